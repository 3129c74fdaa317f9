package dev.gatun.models.family.bert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderSession;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.testing.Goldens;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Encoders and sessions across threads and beyond their end. */
@Timeout(120)
class EncoderLifetimeTest {
    private static final int[] IDS = {2, 17, 45, 3, 2, 88, 3};
    private static final int[] OFFSETS = {0, 4, 7};

    private static Encoder load() {
        return Encoders.load(Goldens.path("bert/tiny"), Head.pooled(Pooling.MEAN, true));
    }

    private static float[] forward(EncoderSession session, Arena arena) {
        MemorySegment dst = arena.allocate(2 * 40 * 4, 64);
        session.forward(arena.allocateFrom(ValueLayout.JAVA_INT, IDS), arena.allocateFrom(ValueLayout.JAVA_INT, OFFSETS), 2, dst);
        return dst.toArray(ValueLayout.JAVA_FLOAT);
    }

    @Test
    void plansCompiledOnOneThreadRunOnSixteen() throws Exception {
        try (Encoder encoder = load()) {
            float[] expected = BertEncoderTest.forward(encoder, 1, IDS, OFFSETS);
            int plans = encoder.planCount();
            try (ExecutorService threads = Executors.newFixedThreadPool(16)) {
                List<Future<float[]>> results = new ArrayList<>();
                for (int i = 0; i < 64; i++) {
                    results.add(threads.submit(() -> BertEncoderTest.forward(encoder, 1, IDS, OFFSETS)));
                }
                for (Future<float[]> result : results) {
                    assertArrayEquals(expected, result.get(30, TimeUnit.SECONDS));
                }
            }
            assertEquals(plans, encoder.planCount(), "the plans are shared");
        }
    }

    @Test
    void theNumberOfPlansIsBounded() {
        try (Encoder encoder = load(); Arena arena = Arena.ofConfined()) {
            for (int seed = 0; seed < 3; seed++) {
                Requests requests = new Requests(encoder, 1, arena, new SplittableRandom(seed), 300, 20, 80);
                requests.forward(300);
                requests.session().close();
            }
            assertTrue(encoder.planCount() <= encoder.maxPlanCount(), encoder.planCount() + " of " + encoder.maxPlanCount());
            assertTrue(encoder.maxPlanCount() <= 24, encoder.maxPlanCount() + " plans for 80 positions");
        }
    }

    @Test
    void useAfterCloseThrows() {
        try (Arena arena = Arena.ofConfined()) {
            Encoder encoder = load();
            EncoderSession session = encoder.newSession(1);
            EncoderSession other = encoder.newSession(1);
            forward(session, arena);
            session.close();
            session.close();
            assertEquals(0, session.nativeByteSize());
            assertEquals("the session is closed",
                    assertThrows(IllegalStateException.class, () -> forward(session, arena)).getMessage());
            forward(other, arena);
            encoder.close();
            encoder.close();
            assertEquals("the model is closed", assertThrows(IllegalStateException.class, () -> forward(other, arena)).getMessage());
            assertEquals("the model is closed",
                    assertThrows(IllegalStateException.class, () -> encoder.newSession(1)).getMessage());
            other.close();
        }
    }

    @Test
    void aSessionRefusesASecondThreadAndNeverMixesRequests() throws Exception {
        try (Encoder encoder = load(); EncoderSession session = encoder.newSession(1)) {
            float[] expected = BertEncoderTest.forward(encoder, 1, IDS, OFFSETS);
            try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
                List<Future<Integer>> results = new ArrayList<>();
                for (int t = 0; t < 4; t++) {
                    results.add(threads.submit(() -> completed(session, expected)));
                }
                int completed = 0;
                for (Future<Integer> result : results) {
                    completed += result.get(60, TimeUnit.SECONDS);
                }
                assertTrue(completed > 0);
            }
        }
    }

    private static int completed(EncoderSession session, float[] expected) {
        int completed = 0;
        try (Arena arena = Arena.ofConfined()) {
            for (int i = 0; i < 500; i++) {
                try {
                    assertArrayEquals(expected, forward(session, arena));
                    completed++;
                } catch (IllegalStateException refused) {
                    assertTrue(refused.getMessage().contains("in use by another thread"), refused.getMessage());
                }
            }
        }
        return completed;
    }

    @Test
    void closingDuringForwardsEndsThemWithAnException() throws Exception {
        for (int round = 0; round < 20; round++) {
            Encoder encoder = load();
            EncoderSession first = encoder.newSession(1);
            EncoderSession second = encoder.newSession(1);
            CountDownLatch running = new CountDownLatch(2);
            try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
                List<Future<?>> calls = new ArrayList<>();
                for (EncoderSession session : List.of(first, second)) {
                    calls.add(threads.submit(() -> untilClosed(session, running)));
                }
                running.await();
                first.close();
                encoder.close();
                second.close();
                for (Future<?> call : calls) {
                    Throwable cause = assertThrows(ExecutionException.class, () -> call.get(30, TimeUnit.SECONDS)).getCause();
                    assertTrue(cause instanceof IllegalStateException && cause.getMessage().endsWith("is closed"), String.valueOf(cause));
                }
            }
        }
    }

    private static void untilClosed(EncoderSession session, CountDownLatch running) {
        for (boolean once = false; ; once = true) {
            try (Arena arena = Arena.ofConfined()) {
                forward(session, arena);
            }
            if (!once) {
                running.countDown();
            }
        }
    }
}
