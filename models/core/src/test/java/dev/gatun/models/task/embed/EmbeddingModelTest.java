package dev.gatun.models.task.embed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.SafetensorsWriter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The public API over the tiny model. */
@Timeout(120)
class EmbeddingModelTest {
    private static final List<String> TEXTS = List.of("a", "", "b a b", "the quick brown fox", "a a a a a a a a a a a a a a a a a a");

    private static EmbeddingModel load(int threads) {
        return EmbeddingModel.load(Goldens.path("bert/tiny"), EmbeddingOptions.defaults().withThreads(threads));
    }

    private static float[][] vectors(EmbeddingModel model, List<String> texts) {
        try (Embeddings e = model.embed(texts)) {
            float[][] rows = new float[e.size()][];
            for (int i = 0; i < rows.length; i++) {
                rows[i] = e.toFloats(i);
            }
            return rows;
        }
    }

    @Test
    void vectorsAreNormalizedAndReadable() {
        try (EmbeddingModel model = load(1); Embeddings e = model.embed(TEXTS)) {
            assertEquals(TEXTS.size(), e.size());
            assertEquals(40, e.dimension());
            assertEquals("Embeddings [5, 40]", e.toString());
            for (int row = 0; row < e.size(); row++) {
                float[] vector = e.toFloats(row);
                assertEquals(1, e.cosine(row, row), 1e-6);
                double length = 0;
                for (int i = 0; i < 40; i++) {
                    assertEquals(vector[i], e.get(row, i));
                    length += vector[i] * vector[i];
                }
                assertEquals(1, length, 1e-5, "an empty text has its special tokens, so it has a vector too");
            }
            MemorySegment all = e.vectors();
            assertTrue(all.isReadOnly() && all.isNative());
            assertEquals(5 * 40 * 4, all.byteSize());
            assertThrows(IndexOutOfBoundsException.class, () -> e.get(5, 0));
            assertThrows(IndexOutOfBoundsException.class, () -> e.get(0, 40));
            assertThrows(IndexOutOfBoundsException.class, () -> e.vector(-1));
            assertTrue(model.nativeByteSize() > 190_000);
        }
    }

    @Test
    void noTextsGiveNoVectors() {
        try (EmbeddingModel model = load(2); Embeddings e = model.embed(List.of())) {
            assertEquals(0, e.size());
            assertEquals(0, e.vectors().byteSize());
            assertEquals(0, e.tokens());
            assertThrows(IndexOutOfBoundsException.class, () -> e.vector(0));
        }
    }

    @Test
    void longTextsAreCutAndSaySo() {
        try (EmbeddingModel model = load(2)) {
            String longest = "a ".repeat(78).strip();
            String cut = "a ".repeat(100_000);
            try (Embeddings e = model.embed(List.of("a", longest, cut))) {
                assertFalse(e.truncated(0));
                assertFalse(e.truncated(1));
                assertTrue(e.truncated(2));
                assertEquals(3 + 80 + 80, e.tokens());
                assertArrayEquals(e.toFloats(1), e.toFloats(2), 2e-6f);
                assertThrows(IndexOutOfBoundsException.class, () -> e.truncated(3));
            }
        }
        EmbeddingOptions options = EmbeddingOptions.defaults().withThreads(1).withPooling(Pooling.CLS).withNormalize(false)
                .withMaxTokens(5);
        try (EmbeddingModel model = EmbeddingModel.load(Goldens.path("bert/tiny"), options); Embeddings e = model.embed("a a a a a a a")) {
            assertEquals(5, e.tokens());
            assertTrue(e.truncated(0));
            assertEquals(options, model.options());
        }
    }

    @Test
    void anyStringIsAText() {
        List<String> texts = List.of("\uD800", "\uDC00a\uD83D", "\0", "a\0b", "\uD83D\uDE00", "\uFFFF", "\r\n\t", "\u202E",
                "a".repeat(5000));
        try (EmbeddingModel model = load(1); Embeddings e = model.embed(texts)) {
            assertEquals(texts.size(), e.size());
        }
    }

    @Test
    void aNullTextIsNamed() {
        try (EmbeddingModel model = load(1)) {
            String message = assertThrows(NullPointerException.class, () -> model.embed(Arrays.asList("a", null, "b"))).getMessage();
            assertEquals("text 1 is null", message);
            assertThrows(NullPointerException.class, () -> model.embed((List<String>) null));
            assertEquals(1, vectors(model, List.of("a")).length);
        }
    }

    @Test
    void wrongOptionsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> EmbeddingOptions.defaults().withThreads(0));
        assertThrows(IllegalArgumentException.class, () -> EmbeddingOptions.defaults().withMaxTokens(-1));
    }

    @Test
    void sixteenThreadsShareAModel() throws Exception {
        try (EmbeddingModel model = load(2)) {
            sharedBy(model, Executors.newFixedThreadPool(16));
        }
    }

    @Test
    void virtualThreadsMayCall() throws Exception {
        try (EmbeddingModel model = load(2)) {
            sharedBy(model, Executors.newVirtualThreadPerTaskExecutor());
        }
    }

    private static void sharedBy(EmbeddingModel model, ExecutorService callers) throws Exception {
        float[][] expected = vectors(model, TEXTS);
        try (callers) {
            List<Callable<Void>> calls = new ArrayList<>();
            for (int t = 0; t < 16; t++) {
                int caller = t;
                calls.add(() -> {
                    for (int i = 0; i < 60; i++) {
                        int from = (caller + i) % TEXTS.size();
                        float[][] found = vectors(model, TEXTS.subList(from, TEXTS.size()));
                        for (int row = 0; row < found.length; row++) {
                            assertArrayEquals(expected[from + row], found[row], 3e-6f);
                        }
                    }
                    return null;
                });
            }
            for (Future<Void> call : callers.invokeAll(calls)) {
                call.get();
            }
        }
    }

    @Test
    void useAfterCloseThrowsAndClosingTwiceIsHarmless() {
        EmbeddingModel model = load(2);
        Embeddings open = model.embed(TEXTS);
        Embeddings closed = model.embed(TEXTS);
        closed.close();
        closed.close();
        assertThrows(IllegalStateException.class, closed::vectors);
        assertThrows(IllegalStateException.class, () -> closed.get(0, 0));
        assertThrows(IllegalStateException.class, () -> closed.cosine(0, 1));
        MemorySegment view = open.vectors();
        model.close();
        model.close();
        assertEquals("the embedding model is closed",
                assertThrows(IllegalStateException.class, () -> model.embed("a")).getMessage());
        assertThrows(IllegalStateException.class, () -> open.get(0, 0));
        assertThrows(IllegalStateException.class, () -> open.toFloats(0));
        assertThrows(IllegalStateException.class, () -> open.cosine(0, 1));
        assertThrows(IllegalStateException.class, () -> view.get(java.lang.foreign.ValueLayout.JAVA_FLOAT, 0));
        assertThrows(IllegalStateException.class, () -> model.tokenizer().encode("a"));
        open.close();
    }

    @Test
    void closingWhileOthersEmbedAndReadIsAnExceptionNeverACrash() throws Exception {
        for (int round = 0; round < 15; round++) {
            EmbeddingModel model = load(2);
            Embeddings shared = model.embed(TEXTS);
            CountDownLatch started = new CountDownLatch(6);
            try (ExecutorService callers = Executors.newFixedThreadPool(6)) {
                List<Future<Void>> calls = new ArrayList<>();
                for (int t = 0; t < 6; t++) {
                    boolean reader = t < 2;
                    calls.add(callers.submit(() -> untilClosed(model, shared, started, reader)));
                }
                started.await();
                Thread.sleep(round);
                model.close();
                for (Future<Void> call : calls) {
                    ExecutionException e = assertThrows(ExecutionException.class, () -> call.get(30, TimeUnit.SECONDS));
                    assertTrue(e.getCause() instanceof IllegalStateException, String.valueOf(e.getCause()));
                }
            }
        }
    }

    private static Void untilClosed(EmbeddingModel model, Embeddings shared, CountDownLatch started, boolean reader) {
        for (boolean first = true; ; first = false) {
            if (reader) {
                shared.cosine(0, 2);
            } else {
                model.embed(TEXTS).close();
            }
            if (first) {
                started.countDown();
            }
        }
    }

    @Test
    void aRequestThatIsInterruptedHarmsNoOther() throws Exception {
        List<String> many = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            many.addAll(TEXTS);
        }
        try (EmbeddingModel model = load(2)) {
            float[][] expected = vectors(model, many);
            for (int round = 0; round < 10; round++) {
                Thread caller = new Thread(() -> {
                    try {
                        model.embed(many).close();
                    } catch (IllegalStateException interrupted) {
                        assertTrue(Thread.currentThread().isInterrupted());
                    }
                });
                caller.start();
                Thread.sleep(round / 2);
                caller.interrupt();
                float[][] found = vectors(model, many);
                for (int row = 0; row < found.length; row++) {
                    assertArrayEquals(expected[row], found[row], 3e-6f, "row " + row);
                }
                caller.join();
            }
        }
    }

    @Test
    void closedResultsAreReused() {
        try (EmbeddingModel model = load(1)) {
            vectors(model, TEXTS);
            long bytes = model.nativeByteSize();
            for (int i = 0; i < 200; i++) {
                vectors(model, TEXTS);
            }
            assertEquals(bytes, model.nativeByteSize());
        }
    }

    @Test
    void weightsThatAreNotNumbersAreRefused(@TempDir Path folder) throws IOException {
        Path tiny = Goldens.path("bert/tiny");
        for (String file : List.of("config.json", "tokenizer.json")) {
            Files.copy(tiny.resolve(file), folder.resolve(file));
        }
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsWriter.writeWithNaN(folder.resolve("model.safetensors"),
                    SafetensorsFile.open(tiny.resolve("model.safetensors"), arena),
                    "encoder.layer.0.output.dense.bias");
        }
        String message = assertThrows(WeightException.class, () -> EmbeddingModel.load(folder)).getMessage();
        assertTrue(message.endsWith("model.safetensors: tensor encoder.layer.0.output.dense.bias: element 0 is NaN"), message);
    }

    @Test
    void anyNumberOfTextsComeInOrderAndInBoundedMemory() {
        try (EmbeddingModel model = EmbeddingModel.load(Goldens.path("bert/tiny"))) {
            List<String> texts = IntStream.range(0, 103).mapToObj(i -> "a ".repeat(i % 7) + "b").toList();
            float[][] expected = new float[texts.size()][];
            try (Embeddings all = model.embed(texts)) {
                for (int i = 0; i < texts.size(); i++) {
                    expected[i] = all.toFloats(i);
                }
            }
            long[] furthest = new long[2];
            List<Embeddings> seen = new ArrayList<>();
            long done = model.embed(texts.stream().peek(text -> furthest[0]++), 10, (first, batch, vectors) -> {
                assertEquals(furthest[1], first);
                assertTrue(furthest[0] <= first + 10, "no text is read before its batch");
                for (int i = 0; i < vectors.size(); i++) {
                    assertEquals(texts.get((int) first + i), batch.get(i));
                    assertArrayEquals(expected[(int) first + i], vectors.toFloats(i), 1e-5f);
                }
                furthest[1] = first + vectors.size();
                seen.add(vectors);
                return true;
            });
            assertEquals(103, done);
            assertEquals(103, furthest[1]);
            assertThrows(IllegalStateException.class, () -> seen.getFirst().get(0, 0), "a batch is its sink's until it returns");
        }
    }

    @Test
    void aSinkEndsIt() {
        try (EmbeddingModel model = EmbeddingModel.load(Goldens.path("bert/tiny"))) {
            assertEquals(20, model.embed(Stream.generate(() -> "a b"), 10, (first, batch, vectors) -> first < 10));
            assertEquals(0, model.embed(Stream.empty(), 10, (first, batch, vectors) -> true));
            assertThrows(IllegalStateException.class, () -> model.embed(Stream.generate(() -> "a b"), 10, (first, batch, vectors) -> {
                throw new IllegalStateException("enough");
            }));
            assertThrows(NullPointerException.class, () ->
                    model.embed(Arrays.asList("a", null).iterator(), 10, (first, batch, vectors) -> true));
            assertThrows(IllegalArgumentException.class, () -> model.embed(Stream.of("a"), 0, (first, batch, vectors) -> true));
            Thread.currentThread().interrupt();
            assertThrows(IllegalStateException.class, () -> model.embed(Stream.generate(() -> "a b"), 10, (first, batch, vectors) -> true));
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    @Timeout(60)
    void lazyTextsAndSinksMayUseTheModel() {
        try (EmbeddingModel model = EmbeddingModel.load(Goldens.path("bert/tiny"))) {
            List<String> lazy = new AbstractList<>() {
                @Override
                public String get(int index) {
                    try (Embeddings own = model.embed("a b")) {
                        return own.size() == 1 ? "b" : "a";
                    }
                }

                @Override
                public int size() {
                    return 100;
                }
            };
            try (Embeddings vectors = model.embed(lazy)) {
                assertEquals(100, vectors.size());
            }
            assertEquals(100, model.embed(lazy.iterator(), 7, (first, batch, vectors) -> {
                model.embed(batch).close();
                return true;
            }));
        }
    }
}
