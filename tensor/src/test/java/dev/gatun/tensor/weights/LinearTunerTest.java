package dev.gatun.tensor.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import dev.gatun.tensor.weights.LinearWeights.Kernel;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What is decided for given times; what times there are is the machine's affair. */
class LinearTunerTest {

    private static long[] times(long oneDnn, long openBlas, long gatun) {
        long[] nanos = new long[Kernel.values().length];
        nanos[Kernel.ONEDNN.ordinal()] = oneDnn;
        nanos[Kernel.OPENBLAS.ordinal()] = openBlas;
        nanos[Kernel.GATUN.ordinal()] = gatun;
        return nanos;
    }

    @Test
    void anotherWinsOnlyClearlyAndSteadily() {
        assertEquals(Kernel.GATUN, LinearTuner.clearWinner(List.of(times(95, 99, 100), times(95, 99, 100))), "not by five per cent");
        assertEquals(Kernel.ONEDNN, LinearTuner.clearWinner(List.of(times(80, 90, 100), times(80, 90, 100))));
        assertEquals(Kernel.OPENBLAS, LinearTuner.clearWinner(List.of(times(200, 90, 100), times(200, 90, 100))));
        assertEquals(Kernel.GATUN, LinearTuner.clearWinner(List.of(times(80, 300, 300), times(100, 300, 100), times(100, 300, 100))),
                "one round in which only we were disturbed");
    }

    /** Times that are up to three times as long as they should be, in any round, for any kernel. */
    @Test
    void noiseDoesNotDecide() {
        Random random = new Random(5);
        for (int run = 0; run < 2_000; run++) {
            List<long[]> alike = new ArrayList<>();
            List<long[]> slower = new ArrayList<>();
            for (int round = 0; round < 16; round++) {
                alike.add(times(noisy(random, 1000), noisy(random, 1000), noisy(random, 1000)));
                slower.add(times(noisy(random, 1150), noisy(random, 1300), noisy(random, 1000)));
            }
            assertEquals(Kernel.GATUN, LinearTuner.clearWinner(alike));
            assertEquals(Kernel.GATUN, LinearTuner.clearWinner(slower));
        }
    }

    private static long noisy(Random random, long nanos) {
        return random.nextInt(3) == 0 ? nanos + random.nextLong(2 * nanos) : nanos + random.nextLong(nanos / 20);
    }

    @Test
    void everyShapeIsMeasuredAndRemembered() {
        LinearTuner tuner = new LinearTuner(17);
        Kernel first = tuner.choose(33, 65);
        assertNotNull(first);
        assertEquals(first, tuner.choose(33, 65));
        assertEquals(Kernel.GATUN, new LinearTuner(16).choose(33, 65), "few rows are not measured");
    }
}
