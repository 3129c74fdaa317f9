package dev.gatun.tensor.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.testing.OpRunner;
import dev.gatun.tensor.testing.Reference;
import dev.gatun.tensor.weights.LinearWeights;
import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class LinearOpTest {

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 77, 33", "7, 16, 40", "67, 120, 40", "129, 31, 257", "5, 1024, 3", "64, 384, 1536"})
    void everyKernelMatchesThePlainLoops(int m, int n, int k) {
        for (LinearWeights.Kernel kernel : LinearWeights.Kernel.values()) {
            for (boolean inOut : new boolean[] {false, true}) {
                for (int threads : new int[] {1, 2}) {
                    check(kernel, inOut, threads, m, n, k);
                }
            }
        }
    }

    private static void check(LinearWeights.Kernel kernel, boolean inOut, int threads, int m, int n, int k) {
        try (Arena arena = Arena.ofShared()) {
            float[] x = Reference.random(1, (long) m * k);
            float[] w = Reference.random(2, (long) n * k);
            float[] b = Reference.random(3, n);
            Tensor weight = inOut ? Tensor.ofFloats(arena, w, k, n) : Tensor.ofFloats(arena, w, n, k);
            LinearWeights packed = LinearWeights.pack(arena, kernel,
                    new LinearWeights.Source(weight, inOut, Tensor.ofFloats(arena, b, n)));
            Tensor y = OpRunner.run(arena, threads, new LinearOp(packed, Activation.NONE), Tensor.ofFloats(arena, x, m, k));
            Reference.assertClose(Reference.matmul(x, w, !inOut, b, m, n, k), y.toFloats(), Reference.tolerance(k));
        }
    }

    /** Rows of weights that meet only zeros are not read, unless they hold what a zero does not cancel. */
    @ParameterizedTest
    @CsvSource({"1, 1", "1, 2", "3, 2", "8, 1"})
    void zerosAmongTheInputs(int m, int threads) {
        int n = 77;
        int k = 530;
        float[] x = Reference.random(1, (long) m * k);
        for (int i = 0; i < x.length; i++) {
            if (i % k % 5 != 1) {
                x[i] = i % 3 == 0 ? -0f : 0f;
            }
        }
        float[] w = Reference.random(2, (long) n * k);
        for (LinearWeights.Kernel kernel : LinearWeights.Kernel.values()) {
            try (Arena arena = Arena.ofShared()) {
                LinearWeights packed = LinearWeights.pack(arena, kernel,
                        new LinearWeights.Source(Tensor.ofFloats(arena, w, n, k), false, null));
                Tensor y = OpRunner.run(arena, threads, new LinearOp(packed, Activation.NONE), Tensor.ofFloats(arena, x, m, k));
                Reference.assertClose(Reference.matmul(x, w, true, null, m, n, k), y.toFloats(), Reference.tolerance(k));
            }
        }
        w[5 * k + 2] = Float.NaN;
        w[6 * k + 2] = Float.POSITIVE_INFINITY;
        try (Arena arena = Arena.ofShared()) {
            LinearWeights packed = LinearWeights.pack(arena, LinearWeights.Kernel.GATUN,
                    new LinearWeights.Source(Tensor.ofFloats(arena, w, n, k), false, null));
            for (Activation activation : new Activation[] {Activation.NONE, Activation.RELU}) {
                float[] y = OpRunner.run(arena, threads, new LinearOp(packed, activation), Tensor.ofFloats(arena, x, m, k)).toFloats();
                assertTrue(Float.isNaN(y[5]) && Float.isNaN(y[6]) && Float.isFinite(y[4]), activation + ": " + y[4] + " " + y[5] + " "
                        + y[6]);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void activationScaleAndResidual(Activation activation) {
        int m = 19;
        int n = 45;
        int k = 37;
        for (LinearWeights.Kernel kernel : LinearWeights.Kernel.values()) {
            try (Arena arena = Arena.ofShared()) {
                float[] x = Reference.random(4, m * k);
                float[] w = Reference.random(5, n * k);
                float[] b = Reference.random(6, n);
                float[] r = Reference.random(7, m * n);
                LinearWeights packed = LinearWeights.pack(arena, kernel, new LinearWeights.Source(
                        Tensor.ofFloats(arena, w, n, k), false, Tensor.ofFloats(arena, b, n)));
                double[] expected = Reference.matmul(x, w, true, b, m, n, k);
                for (int i = 0; i < expected.length; i++) {
                    expected[i] = Reference.activation(activation.name(), 0.5 * expected[i]) + r[i];
                }
                Tensor y = OpRunner.run(arena, new LinearOp(packed, activation, 0.5f, true),
                        Tensor.ofFloats(arena, x, m, k), Tensor.ofFloats(arena, r, m, n));
                Reference.assertClose(expected, y.toFloats(), Reference.tolerance(k));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void joinedLayersEqualSeparateOnes(boolean inOut) {
        int m = 9;
        int k = 21;
        int[] ns = {5, 16, 30};
        for (LinearWeights.Kernel kernel : LinearWeights.Kernel.values()) {
            try (Arena arena = Arena.ofShared()) {
                float[] x = Reference.random(8, m * k);
                float[] w0 = Reference.random(9, ns[0] * k);
                float[] w1 = Reference.random(10, ns[1] * k);
                float[] w2 = Reference.random(11, ns[2] * k);
                float[] b1 = Reference.random(12, ns[1]);
                LinearWeights packed = LinearWeights.pack(arena, kernel, List.of(
                        new LinearWeights.Source(Tensor.ofFloats(arena, w0, inOut ? k : ns[0], inOut ? ns[0] : k), inOut, null),
                        new LinearWeights.Source(Tensor.ofFloats(arena, w1, ns[1], k), false, Tensor.ofFloats(arena, b1, ns[1])),
                        new LinearWeights.Source(Tensor.ofFloats(arena, w2, k, ns[2]), true, null)));
                float[] y = OpRunner.run(arena, new LinearOp(packed, Activation.NONE), Tensor.ofFloats(arena, x, m, k)).toFloats();
                double[][] parts = {Reference.matmul(x, w0, !inOut, null, m, ns[0], k),
                        Reference.matmul(x, w1, true, b1, m, ns[1], k), Reference.matmul(x, w2, false, null, m, ns[2], k)};
                double[] expected = new double[m * 51];
                for (int i = 0; i < m; i++) {
                    int column = 0;
                    for (int p = 0; p < 3; p++) {
                        for (int j = 0; j < ns[p]; j++) {
                            expected[i * 51 + column++] = parts[p][i * ns[p] + j];
                        }
                    }
                }
                Reference.assertClose(expected, y, Reference.tolerance(k));
            }
        }
    }

    @Test
    void wrongShapesAreRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            LinearWeights packed = LinearWeights.pack(arena, LinearWeights.Kernel.ONEDNN, new LinearWeights.Source(
                    Tensor.ofFloats(arena, new float[6], 2, 3), false, null));
            ShapeException e = assertThrows(ShapeException.class, () -> OpRunner.run(arena,
                    new LinearOp(packed, Activation.NONE), Tensor.ofFloats(arena, new float[8], 2, 4)));
            assertEquals("Linear: src [2, 4], weights [3, 2]: K 4 != 3", e.getMessage());
            assertEquals("Linear", e.op());
            assertThrows(ShapeException.class, () -> new LinearWeights.Source(
                    Tensor.ofFloats(arena, new float[6], 2, 3), false, Tensor.ofFloats(arena, new float[3], 3)));
            assertTrue(packed.nativeByteSize() >= 6 * Float.BYTES);
        }
    }
}
