package dev.gatun.models.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.family.whisper.WhisperOptions;
import dev.gatun.models.runtime.Workers;
import dev.gatun.models.task.classify.ClassifierOptions;
import dev.gatun.models.task.classify.ImageClassifier;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.EmbeddingOptions;
import dev.gatun.models.task.embed.ImageTextModel;
import dev.gatun.models.task.speech.SpeechListener;
import dev.gatun.models.task.speech.SpeechRecognizer;
import dev.gatun.models.task.text.TextClassifier;
import dev.gatun.models.task.text.TextOptions;
import dev.gatun.models.task.translate.Translator;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;

/** After warming up, requests of the same size compile and reserve nothing. */
class WarmUpTest {
    private static final List<String> TEXTS = List.of("a cat sat on the mat and a dog ran in the sun");

    private static void addsNothing(LongSupplier held, Runnable warmUp, Runnable request) {
        long before = held.getAsLong();
        warmUp.run();
        long warm = held.getAsLong();
        assertTrue(warm > before, "warming up did nothing: " + before);
        for (int i = 0; i < 3; i++) {
            request.run();
        }
        assertEquals(warm, held.getAsLong());
    }

    @Test
    void everySessionComputesOnce() {
        ConcurrentLinkedQueue<Integer> seen = new ConcurrentLinkedQueue<>();
        record Counting(int threads) implements Workers.Session {
            @Override
            public long nativeByteSize() {
                return 0;
            }

            @Override
            public void close() {
            }

            @Override
            public boolean equals(Object other) {
                return this == other;
            }

            @Override
            public int hashCode() {
                return System.identityHashCode(this);
            }
        }
        try (Workers<Counting> workers = new Workers<>("the test", "test", 3, Counting::new)) {
            workers.warmUp(session -> seen.add(System.identityHashCode(session)));
        }
        assertEquals(4, seen.stream().distinct().count());
        assertEquals(4, seen.size());
    }

    @Test
    void texts() {
        try (EmbeddingModel model = EmbeddingModel.load(Goldens.path("clip/clip"), EmbeddingOptions.defaults().withThreads(2))) {
            addsNothing(() -> model.encoder().planCount(), () -> model.warmUp(TEXTS), () -> model.embed(TEXTS).close());
            // A service's texts come alone, or some together.
            List<String> lengths = List.of("a cat", "a cat sat on the mat", "a cat sat on the mat and a dog ran in the warm sun and slept");
            addsNothing(() -> model.encoder().planCount(), () -> model.warmUp(lengths), () -> lengths.forEach(text -> model.submit(text)
                    .join()));
        }
        try (TextClassifier model = TextClassifier.load(Goldens.path("heads/bert-classify"), TextOptions.defaults().withThreads(2))) {
            addsNothing(model::nativeByteSize, () -> model.warmUp(TEXTS), () -> model.logits(TEXTS));
            model.close();
            assertThrows(IllegalStateException.class, () -> model.warmUp(TEXTS));
        }
        try (Translator model = Translator.load()) {
            List<String> date = List.of("<de> 3. März 2021");
            addsNothing(model::nativeByteSize, () -> model.warmUp(date), () -> model.translate(date));
        }
    }

    @Test
    void pictures() {
        try (ImageClassifier model = ImageClassifier.digits(ClassifierOptions.defaults().withThreads(2))) {
            var pictures = Collections.nCopies(8, Goldens.path("vit/picture.png"));
            addsNothing(() -> model.model().nativeByteSize(), () -> model.warmUp(4), () -> model.classify(pictures, result -> { }));
            assertThrows(IllegalArgumentException.class, () -> model.warmUp(0));
            assertThrows(IllegalArgumentException.class, () -> model.warmUp(Integer.MAX_VALUE));
        }
        try (ImageTextModel model = ImageTextModel.load(Goldens.path("clip/clip"), EmbeddingOptions.defaults().withThreads(2))) {
            var pictures = List.of(Goldens.path("vit/picture.png"));
            addsNothing(() -> model.vision().nativeByteSize(), () -> model.warmUp(1), () -> model.embed(pictures, result -> { }));
        }
    }

    @Test
    void speech() {
        WhisperOptions greedy = WhisperOptions.greedy();
        try (SpeechRecognizer model = SpeechRecognizer.load(Goldens.path("whisper/english"), 2)) {
            addsNothing(model::nativeByteSize, () -> model.warmUp(greedy), () -> {
                try {
                    model.transcribe(new float[model.sampleRate()], greedy, SpeechListener.NONE);
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
        }
    }
}
