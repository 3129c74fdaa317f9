package dev.gatun.tensor.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bindings.kernels.NarrowKernels;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.testing.OpRunner;
import dev.gatun.tensor.testing.Reference;
import dev.gatun.tensor.weights.LinearWeights;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Against the scheme of {@link Precision} written plainly, in double. */
class NarrowLinearTest {
    private static final List<Precision> NARROW = List.of(Precision.F16, Precision.BF16, Precision.INT8);

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 77, 33", "3, 17, 63", "7, 16, 40", "17, 63, 1000", "40, 384, 384", "129, 31, 257", "33, 1000, 17"})
    void matchesThePlainScheme(int m, int n, int k) {
        for (Precision precision : NARROW) {
            for (boolean inOut : new boolean[] {false, true}) {
                for (boolean residual : new boolean[] {false, true}) {
                    check(precision, inOut, residual, m, n, k);
                }
            }
        }
    }

    private static void check(Precision precision, boolean inOut, boolean residual, int m, int n, int k) {
        try (Arena arena = Arena.ofShared()) {
            float[] x = Reference.random(1, (long) m * k);
            float[] w = Reference.random(2, (long) n * k);
            float[] b = Reference.random(3, n);
            float[] r = Reference.random(4, (long) m * n);
            float[] outIn = inOut ? transposed(w, k, n) : w;
            List<LinearWeights.Source> sources = List.of(new LinearWeights.Source(
                    inOut ? Tensor.ofFloats(arena, w, k, n) : Tensor.ofFloats(arena, w, n, k), inOut, Tensor.ofFloats(arena, b, n)));
            LinearWeights packed = LinearWeights.of(arena, LinearWeights.packNarrow(arena, precision, sources), sources);
            Tensor source = Tensor.ofFloats(arena, x, m, k);
            Activation activation = residual ? Activation.RELU : Activation.NONE;
            double[] expected = plain(precision, x, outIn, m, n, k);
            for (int threads : new int[] {1, 2}) {
                LinearOp op = new LinearOp(packed, activation, residual ? 0.5f : 1f, residual);
                Tensor y = residual ? OpRunner.run(arena, threads, op, source, Tensor.ofFloats(arena, r, m, n))
                        : OpRunner.run(arena, threads, op, source);
                for (int i = 0; i < m * n; i++) {
                    double value = expected[i] + b[i % n];
                    assertEquals(residual ? Math.max(0, 0.5 * value) + r[i] : value, y.getFloat(i), 4e-6 * Math.sqrt(k) + 2e-6,
                            precision + " at " + i);
                }
            }
        }
    }

    private static float[] transposed(float[] w, int rows, int columns) {
        float[] t = new float[w.length];
        for (int i = 0; i < w.length; i++) {
            t[i % columns * rows + i / columns] = w[i];
        }
        return t;
    }

    /** @param w [n, k] */
    private static double[] plain(Precision precision, float[] x, float[] w, int m, int n, int k) {
        double[] rounded = new double[w.length];
        for (int j = 0; j < n; j++) {
            float scale = scale(w, j * k, k);
            for (int p = 0; p < k; p++) {
                float value = w[j * k + p];
                rounded[j * k + p] = switch (precision) {
                    case F16 -> Float.float16ToFloat(Float.floatToFloat16(value));
                    case BF16 -> Float.intBitsToFloat((Float.floatToRawIntBits(value) + 0x7fff + (Float.floatToRawIntBits(value) >> 16 & 1))
                            & 0xffff0000);
                    default -> Math.rint(value * (1 / scale)) * scale;
                };
            }
        }
        double[] y = new double[m * n];
        for (int i = 0; i < m; i++) {
            double[] row = precision == Precision.INT8 ? roundedRow(x, i * k, k) : null;
            for (int j = 0; j < n; j++) {
                for (int p = 0; p < k; p++) {
                    y[i * n + j] += (row == null ? x[i * k + p] : row[p]) * rounded[j * k + p];
                }
            }
        }
        return y;
    }

    /** Of a column of weights: 255 times four of a sign fit 16 bits where products are added there. */
    private static float scale(float[] w, int from, int k) {
        float largest = 0;
        double[] sums = new double[4];
        double most = 0;
        for (int p = 0; p < k; p++) {
            if (p % 8 == 0) {
                Arrays.fill(sums, 0);
            }
            int sum = p / 2 % 2 * 2 + (w[from + p] > 0 ? 1 : 0);
            sums[sum] += Math.abs(w[from + p]);
            most = Math.max(most, sums[sum]);
            largest = Math.max(largest, Math.abs(w[from + p]));
        }
        return NarrowKernels.pairs() ? (float) (most / 126) : largest / 127;
    }

    private static double[] roundedRow(float[] x, int from, int k) {
        float low = 0;
        float high = 0;
        for (int p = 0; p < k; p++) {
            low = Math.min(low, x[from + p]);
            high = Math.max(high, x[from + p]);
        }
        float step = high / 255 - low / 255;
        double inverse = 1 / step;
        double zero = Math.rint(-low * inverse);
        double[] row = new double[k];
        for (int p = 0; p < k; p++) {
            row[p] = step * (Math.clamp(Math.rint(x[from + p] * inverse) + zero, 0, 255) - zero);
        }
        return row;
    }

    @ParameterizedTest
    @EnumSource(value = Precision.class, names = {"F16", "BF16", "INT8"})
    void whatIsNotANumberShows(Precision precision) {
        try (Arena arena = Arena.ofShared()) {
            float[] x = Reference.random(1, 5 * 30);
            x[2 * 30 + 7] = Float.NaN;
            x[3 * 30] = Float.POSITIVE_INFINITY;
            Arrays.fill(x, 4 * 30, 5 * 30, 0f);
            List<LinearWeights.Source> sources = List.of(
                    new LinearWeights.Source(Tensor.ofFloats(arena, Reference.random(2, 20 * 30), 20, 30), false, null));
            LinearWeights packed = LinearWeights.of(arena, LinearWeights.packNarrow(arena, precision, sources), sources);
            float[] y = OpRunner.run(arena, 1, new LinearOp(packed, Activation.NONE), Tensor.ofFloats(arena, x, 5, 30)).toFloats();
            for (int i = 0; i < y.length; i++) {
                int row = i / 20;
                assertEquals(row == 2 || row == 3, !Float.isFinite(y[i]), "row " + row);
                assertTrue(row != 2 || Float.isNaN(y[i]), "row " + row);
                assertTrue(row != 4 || y[i] == 0, "row " + row);
            }
        }
    }

    @Test
    void whatDoesNotFitIsRefused() {
        try (Arena arena = Arena.ofConfined()) {
            List<LinearWeights.Source> deep = List.of(
                    new LinearWeights.Source(Tensor.ofFloats(arena, new float[66_001], 1, 66_001), false, null));
            assertTrue(assertThrows(IllegalArgumentException.class, () -> LinearWeights.packNarrow(arena, Precision.INT8, deep))
                    .getMessage().contains("66001"));
            for (Precision wide : new Precision[] {Precision.F32, Precision.AUTO}) {
                assertThrows(IllegalArgumentException.class, () -> LinearWeights.packNarrow(arena, wide, deep));
            }
        }
    }
}
