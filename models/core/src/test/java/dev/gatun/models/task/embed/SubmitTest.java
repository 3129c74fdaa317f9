package dev.gatun.models.task.embed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.runtime.Batching;
import dev.gatun.models.testing.Goldens;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Texts of many callers, embedded together by a real, if tiny, encoder. */
@Timeout(60)
class SubmitTest {
    private static final List<String> TEXTS = IntStream.range(0, 97).mapToObj(i -> "a b c ".repeat(i % 11) + "d").toList();

    private static EmbeddingModel load(Batching batching) {
        return EmbeddingModel.load(Goldens.path("bert/tiny"), EmbeddingOptions.defaults().withThreads(2).withBatching(batching));
    }

    @Test
    void virtualThreadsGetTheVectorsOfTheirTexts() throws Exception {
        int each = Integer.getInteger("gatun.submits", 10_000) / 64;
        try (EmbeddingModel model = load(Batching.defaults())) {
            float[][] expected = new float[TEXTS.size()][];
            try (Embeddings all = model.embed(TEXTS)) {
                for (int i = 0; i < expected.length; i++) {
                    expected[i] = all.toFloats(i);
                }
            }
            AtomicLong done = new AtomicLong();
            AtomicLong wrong = new AtomicLong();
            List<Thread> callers = new ArrayList<>();
            for (int caller = 0; caller < 64; caller++) {
                int first = caller;
                callers.add(Thread.startVirtualThread(() -> {
                    for (int i = 0; i < each; i++) {
                        int text = (first + i) % expected.length;
                        float[] vector = first % 2 == 0 ? model.submit(TEXTS.get(text)).join().values() : blocking(model, TEXTS.get(text));
                        done.incrementAndGet();
                        for (int k = 0; k < vector.length; k++) {
                            wrong.addAndGet(Math.abs(vector[k] - expected[text][k]) > 1e-5f ? 1 : 0);
                        }
                    }
                }));
            }
            for (Thread caller : callers) {
                caller.join();
            }
            assertEquals(64L * each, done.get());
            assertEquals(0, wrong.get());
        }
    }

    private static float[] blocking(EmbeddingModel model, String text) {
        try (Embeddings one = model.embed(text)) {
            return one.toFloats(0);
        }
    }

    @Test
    void aVectorSaysHowManyTokensItIsOf() {
        try (EmbeddingModel model = EmbeddingModel.load(Goldens.path("bert/tiny"), EmbeddingOptions.defaults().withMaxTokens(5));
                Embeddings expected = model.embed("a b c d e f g")) {
            TextVector vector = model.submit("a b c d e f g").join();
            assertArrayEquals(expected.toFloats(0), vector.values(), 1e-6f);
            assertEquals(5, vector.tokens());
            assertTrue(vector.truncated() && expected.truncated(0));
            assertThrows(NullPointerException.class, () -> model.submit(null));
        }
    }

    @Test
    void closingWithAFullQueueFailsWhatWaits() {
        EmbeddingModel model = load(Batching.defaults().withMaxQueue(500).withMaxTokens(1));
        List<CompletableFuture<TextVector>> futures = new ArrayList<>();
        try {
            futures.add(model.submit("a"));
            futures.getFirst().join();
            while (true) {
                futures.add(model.submit(TEXTS.get(futures.size() % TEXTS.size())));
            }
        } catch (RejectedExecutionException full) {
            assertTrue(full.getMessage().startsWith("the embedding model has 500 requests waiting"), full.getMessage());
        }
        model.close();
        int failed = 0;
        for (CompletableFuture<TextVector> future : futures) {
            assertTrue(future.isDone());
            if (future.isCompletedExceptionally()) {
                failed++;
                Throwable cause = assertThrows(CompletionException.class, future::join).getCause();
                assertEquals("the embedding model is closed", cause.getMessage());
            }
        }
        assertTrue(failed > 0 && failed < futures.size(), failed + " of " + futures.size());
        assertThrows(IllegalStateException.class, () -> model.submit("a"));
    }
}
