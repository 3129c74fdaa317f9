package dev.gatun.models.family.bert;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderSession;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.testing.Allocation;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.MiniLm;
import dev.gatun.models.testing.ResidentMemory;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What many forwards leave behind: nothing on the heap, nothing in the process. */
class SteadyStateTest {
    private static final int WINDOW = 200;

    @Test
    void aForwardAllocatesNothingOnTheHeap() {
        try (Encoder encoder = Encoders.load(Goldens.path("bert/tiny"), Head.pooled(Pooling.MEAN, true))) {
            assertNoAllocation(encoder, 1, 12_000, 6, 40);
            assertNoAllocation(encoder, 2, 300, 1, 8);
        }
    }

    @Test
    void aForwardOfTheRealModelAllocatesNothingOnTheHeap() {
        try (Encoder encoder = Encoders.load(MiniLm.folder(), Head.pooled(Pooling.MEAN, true))) {
            assertNoAllocation(encoder, 1, 600, 2, 6);
        }
    }

    /** Compilers settle in their own time, so several windows may be needed; one window without a byte proves it. */
    private static void assertNoAllocation(Encoder encoder, int threads, int warmUp, int maxBatch, int maxLength) {
        try (Arena arena = Arena.ofConfined()) {
            Requests requests = new Requests(encoder, threads, arena, new SplittableRandom(5), WINDOW, maxBatch, maxLength);
            try (EncoderSession session = requests.session()) {
                requests.forward(warmUp);
                List<Long> windows = new ArrayList<>();
                Allocation.bytes();
                for (int i = 0; i < 30 && !windows.contains(0L); i++) {
                    long before = Allocation.bytes();
                    requests.forward(WINDOW);
                    windows.add(Allocation.bytes() - before);
                }
                assertEquals(0, windows.getLast(), "bytes on the heap in windows of " + WINDOW + " forwards: " + windows);
            }
        }
    }

    @Test
    void twentyThousandForwardsTakeNoMoreMemory() throws Exception {
        List<Long> series = ResidentMemory.series(MemorySeries.class, "forwards");
        System.out.println("resident KiB after each 500 of 20,000 forwards: " + series);
        ResidentMemory.assertFlat(series, 8);
    }

    /** What comes and goes: models, plans, sessions. */
    @Test
    void loadingAndClosingTakesNoMoreMemory() throws Exception {
        List<Long> series = ResidentMemory.series(MemorySeries.class, "loads");
        System.out.println("resident KiB after each 5 of 200 loads: " + series);
        ResidentMemory.assertFlat(series, 24);
    }
}
