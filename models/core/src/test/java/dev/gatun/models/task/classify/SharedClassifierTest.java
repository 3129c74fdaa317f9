package dev.gatun.models.task.classify;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.testing.GeneratedWeights;
import dev.gatun.models.testing.SafetensorsWriter;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionSession;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One classifier, many callers; and what happens when it is closed among them. */
class SharedClassifierTest {
    @TempDir
    Path folder;

    @Test
    void manyCallersGetWhatOneGets() throws Exception {
        try (ImageClassifier classifier = ImageClassifier.digits(new ClassifierOptions(2, false)); Arena arena = Arena.ofShared();
                ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            int count = 41;
            Tensor input = Tensor.ofFloats(arena, Reference.random(1, count * 576), count, 1, 24, 24);
            float[] expected = forward(classifier, arena, input, count);
            List<Future<float[]>> answers = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                answers.add(callers.submit(() -> forward(classifier, arena, input, count)));
            }
            for (Future<float[]> answer : answers) {
                assertArrayEquals(expected, answer.get());
            }
            assertTrue(classifier.model().planCount() <= 12, classifier.model().planCount() + " plans");
        }
    }

    /** Many pictures are divided, few use every core, and a tiny network's few one core: the results are those of one session. */
    @Test
    void howeverABatchIsSplitTheResultsAreTheSame() throws Exception {
        try (Arena arena = Arena.ofShared()) {
            SafetensorsWriter.write(folder.resolve("model.safetensors"), GeneratedWeights.textbook(arena));
            try (ImageClassifier classifier = ImageClassifier.load(folder, new ClassifierOptions(2, false));
                    VisionSession session = classifier.model().newSession(1)) {
                VisionModel model = classifier.model();
                assertEquals(new VisionModel.Split(1, 1), model.split(4, 1));
                assertEquals(new VisionModel.Split(1, 2), model.split(1, 2));
                assertEquals(new VisionModel.Split(1, 2), model.split(4, 2));
                assertEquals(new VisionModel.Split(2, 1), model.split(33, 2));
                assertEquals(new VisionModel.Split(1, 8), model.split(33, 8));
                assertThrows(IllegalArgumentException.class, () -> model.split(1, 0));
                for (int count : new int[] {0, 1, 3, 4, 33}) {
                    Tensor input = Tensor.ofFloats(arena, Reference.random(count, count * 1728), count, 3, 24, 24);
                    Tensor logits = Tensor.allocate(arena, TensorDesc.of(DataType.F32, count, 10));
                    session.forward(input.segment(), count, logits.segment());
                    Reference.assertClose(Reference.widen(logits.toFloats()), forward(classifier, arena, input, count), 1e-5);
                }
            }
        }
        try (ImageClassifier classifier = ImageClassifier.digits(new ClassifierOptions(2, false))) {
            assertEquals(new VisionModel.Split(1, 1), classifier.model().split(1, 2));
            assertEquals(new VisionModel.Split(2, 1), classifier.model().split(64, 2));
        }
    }

    private static float[] forward(ImageClassifier classifier, Arena arena, Tensor input, int count) {
        Tensor logits = Tensor.allocate(arena, TensorDesc.of(DataType.F32, count, 10));
        classifier.forward(input.segment(), count, logits.segment(), MemorySegment.NULL);
        return logits.toFloats();
    }

    /** Native code writes into the caller's memory, which the caller may free as soon as the call has returned. */
    @Test
    void anInterruptedCallerMayFreeItsMemory() throws Exception {
        int count = 600;
        try (ImageClassifier classifier = ImageClassifier.digits(new ClassifierOptions(2, false))) {
            AtomicBoolean ended = new AtomicBoolean(true);
            for (int round = 0; round < 40 && ended.get(); round++) {
                CountDownLatch started = new CountDownLatch(1);
                Thread caller = new Thread(() -> {
                    try (Arena arena = Arena.ofShared()) {
                        Tensor input = Tensor.ofFloats(arena, Reference.random(1, count * 576), count, 1, 24, 24);
                        started.countDown();
                        forward(classifier, arena, input, count);
                    } catch (IllegalStateException e) {
                        ended.set(e.getMessage().startsWith("interrupted") && Thread.currentThread().isInterrupted());
                    }
                });
                caller.start();
                started.await();
                Thread.sleep(round / 4);
                caller.interrupt();
                caller.join();
            }
            assertTrue(ended.get());
        }
    }

    @Test
    void closingWaitsAndThenRefuses() throws Exception {
        ImageClassifier classifier = ImageClassifier.digits(new ClassifierOptions(1, false));
        try (Arena arena = Arena.ofShared(); ExecutorService caller = Executors.newSingleThreadExecutor()) {
            VisionSession own = classifier.model().newSession(1);
            Tensor input = Tensor.ofFloats(arena, Reference.random(2, 64 * 576), 64, 1, 24, 24);
            Tensor logits = Tensor.allocate(arena, TensorDesc.of(DataType.F32, 64, 10));
            CountDownLatch started = new CountDownLatch(1);
            AtomicBoolean refused = new AtomicBoolean();
            Future<?> busy = caller.submit(() -> {
                try {
                    while (true) {
                        own.forward(input.segment(), 64, logits.segment());
                        started.countDown();
                    }
                } catch (IllegalStateException e) {
                    refused.set(e.getMessage().contains("closed"));
                }
            });
            started.await();
            classifier.close();
            classifier.close();
            busy.get();
            assertTrue(refused.get());
            assertThrows(IllegalStateException.class, () -> classifier.forward(input.segment(), 1, logits.segment(), MemorySegment.NULL));
            assertThrows(IllegalStateException.class, () -> classifier.model().newSession(1));
            own.close();
            assertEquals(0, own.nativeByteSize());
        }
    }
}
