package dev.gatun.bench.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StatisticsTest {

    @Test
    void quantilesLieBetweenNeighbours() {
        assertEquals(2, Statistics.median(new double[] {3, 1, 2}));
        assertEquals(2.5, Statistics.median(new double[] {4, 1, 2, 3}));
        assertEquals(1, Statistics.quantile(new double[] {3, 1, 2}, 0));
        assertEquals(3, Statistics.quantile(new double[] {3, 1, 2}, 1));
        assertTrue(Double.isNaN(Statistics.median(new double[0])));
    }

    @Test
    void outputsDifferRelativeToTheLargest() {
        assertEquals(0.01, Statistics.difference(new float[] {100, 1}, new float[] {100, 2}), 1e-9);
        assertEquals(Double.POSITIVE_INFINITY, Statistics.difference(new float[1], new float[2]));
        assertEquals(Double.POSITIVE_INFINITY, Statistics.difference(new float[] {Float.NaN}, new float[] {1}));
    }

    @Test
    void onlyWhatLeavesTheNoiseHasMoved() {
        assertFalse(Comparison.moved(result(10, 10.1, 9.9, 10.2), result(10.1, 10.2, 10, 10.3)));
        assertFalse(Comparison.moved(result(10, 14, 9, 11), result(12, 9.5, 13, 10)));
        assertTrue(Comparison.moved(result(10, 10.1, 9.9, 10.2), result(8, 8.1, 7.9, 8.2)));
    }

    private static Result result(double... millis) {
        return new Result("s", "w", Map.of(), "c", "v", false, Arrays.stream(millis).boxed().toList(), 0, List.of(), 0, "texts", 0, 0, 0,
                new Result.Memory(0, 0, List.of(), 0, 0), List.of());
    }
}
