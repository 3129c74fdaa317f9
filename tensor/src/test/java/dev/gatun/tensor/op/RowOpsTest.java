package dev.gatun.tensor.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gatun.bindings.kernels.Functions;
import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.testing.OpRunner;
import dev.gatun.tensor.testing.Reference;
import dev.gatun.tensor.weights.LayerNormWeights;
import dev.gatun.tensor.weights.LinearWeights;
import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RowOpsTest {

    @AfterEach
    void everyInstructionSetAgain() {
        Kernels.limitIsa(2);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 15, 16, 17, 33, 40, 384, 1000})
    void layerNormAtEveryTail(int d) {
        for (int isa = 0; isa <= 2; isa++) {
            Kernels.limitIsa(isa);
            try (Arena arena = Arena.ofShared()) {
                float[] x = Reference.random(1, 7L * d);
                float[] r = Reference.random(2, 7L * d);
                float[] gamma = Reference.random(3, d);
                float[] beta = Reference.random(4, d);
                LayerNormOp op = new LayerNormOp(new LayerNormWeights(
                        Tensor.ofFloats(arena, gamma, d), Tensor.ofFloats(arena, beta, d), 1e-5f));
                Tensor y = OpRunner.run(arena, 2, op, Tensor.ofFloats(arena, x, 7, d));
                Reference.assertClose(Reference.layerNorm(Reference.widen(x), gamma, beta, 1e-5, d), y.toFloats(), 5e-6);
                Tensor sum = OpRunner.run(arena, op, Tensor.ofFloats(arena, x, 7, d), Tensor.ofFloats(arena, r, 7, d));
                double[] added = Reference.widen(x);
                for (int i = 0; i < added.length; i++) {
                    added[i] += r[i];
                }
                Reference.assertClose(Reference.layerNorm(added, gamma, beta, 1e-5, d), sum.toFloats(), 5e-6);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8, 17, 40})
    void embeddingIsTheNormOfTheSum(int d) {
        try (Arena arena = Arena.ofShared()) {
            float[] words = Reference.random(5, 11L * d);
            float[] positions = Reference.random(6, 6L * d);
            float[] types = Reference.random(7, 2L * d);
            float[] gamma = Reference.random(8, d);
            float[] beta = Reference.random(9, d);
            int[] ids = {10, 0, 3, 3, 7};
            int[] at = {0, 1, 2, 5, 4};
            EmbeddingOp.Words rows = new EmbeddingOp.Words(Tensor.ofFloats(arena, words, 11, d), null);
            EmbeddingOp op = new EmbeddingOp(rows, Tensor.ofFloats(arena, positions, 6, d), Tensor.ofFloats(arena, types, 2, d), false,
                    new LayerNormWeights(Tensor.ofFloats(arena, gamma, d), Tensor.ofFloats(arena, beta, d), 1e-12f), 2f);
            Tensor y = OpRunner.run(arena, op, Tensor.ofInts(arena, ids, 5), Tensor.ofInts(arena, at, 5));
            double[] sum = new double[5 * d];
            for (int t = 0; t < 5; t++) {
                for (int j = 0; j < d; j++) {
                    sum[t * d + j] = 2.0 * words[ids[t] * d + j] + positions[at[t] * d + j] + types[j];
                }
            }
            // A row of one element is all mean: rounding decides, not the formula.
            if (d > 1) {
                Reference.assertClose(Reference.layerNorm(sum, gamma, beta, 1e-12, d), y.toFloats(), 5e-6);
            }
            Tensor plain = OpRunner.run(arena, new EmbeddingOp(Tensor.ofFloats(arena, words, 11, d), null, null, null),
                    Tensor.ofInts(arena, ids, 5));
            assertEquals(words[3 * d], plain.getFloat(2L * d));
        }
    }

    /** Weights of scores are the table: packed as columns, a last panel that is not full, and every bit as in rows. */
    @ParameterizedTest
    @EnumSource(value = Precision.class, names = {"F32", "F16", "BF16"})
    void wordsArePackedAsColumns(Precision precision) {
        int d = 19;
        int count = 37;
        float[] words = new float[count * d];
        for (int i = 0; i < words.length; i++) {
            words[i] = (i * 37 % 101 - 50) / 64f;
        }
        int[] ids = {36, 0, 15, 16, 31, 32};
        try (Arena arena = Arena.ofShared()) {
            Tensor table = Tensor.ofFloats(arena, words, count, d);
            List<LinearWeights.Source> source = List.of(new LinearWeights.Source(table, false, null));
            LinearWeights packed = precision == Precision.F32 ? LinearWeights.pack(arena, LinearWeights.Kernel.GATUN, source)
                    : LinearWeights.of(arena, LinearWeights.packNarrow(arena, precision, source), source);
            Tensor positions = Tensor.ofFloats(arena, Reference.random(2, 6L * d), 6, d);
            Tensor at = Tensor.ofInts(arena, new int[] {0, 1, 2, 3, 4, 5}, 6);
            float[][] found = new float[2][];
            for (int i = 0; i < 2; i++) {
                EmbeddingOp.Words each = i == 0 ? new EmbeddingOp.Words(table, null) : new EmbeddingOp.Words(null, packed);
                found[i] = OpRunner.run(arena, new EmbeddingOp(each, positions, null, false, null, 3f), Tensor.ofInts(arena, ids, 6), at)
                        .toFloats();
            }
            assertArrayEquals(found[0], found[1]);
            assertEquals(words[36 * d] * 3f + positions.getFloat(0), found[1][0], 1e-6f);
        }
        try (Arena arena = Arena.ofShared()) {
            List<LinearWeights.Source> source = List.of(new LinearWeights.Source(Tensor.ofFloats(arena, words, count, d), false, null));
            LinearWeights bytes = LinearWeights.of(arena, LinearWeights.packNarrow(arena, Precision.INT8, source), source);
            assertThrows(ShapeException.class, () -> new EmbeddingOp.Words(null, bytes));
        }
    }

    @Test
    void poolingOfSequencesSomeEmpty() {
        int d = 21;
        int[] offsets = {4, 0, 3, 3, 4, 9};
        try (Arena arena = Arena.ofShared()) {
            float[] x = Reference.random(10, 9L * d);
            for (boolean mean : new boolean[] {true, false}) {
                for (boolean normalize : new boolean[] {true, false}) {
                    float[] y = OpRunner.run(arena, new SequencePoolOp(mean ? SequencePoolOp.Kind.MEAN : SequencePoolOp.Kind.FIRST,
                            normalize, 4), Tensor.ofFloats(arena, x, 9, d),
                            Tensor.ofInts(arena, offsets, 6)).toFloats();
                    for (int s = 0; s < 4; s++) {
                        double[] expected = new double[d];
                        int from = offsets[s + 1];
                        int to = mean ? offsets[s + 2] : Math.min(from + 1, offsets[s + 2]);
                        for (int row = from; row < to; row++) {
                            for (int j = 0; j < d; j++) {
                                expected[j] += x[row * d + j] / (double) (to - from);
                            }
                        }
                        double length = Math.sqrt(java.util.Arrays.stream(expected).map(v -> v * v).sum());
                        double[] scaled = Reference.map(expected, v -> normalize ? v / Math.max(length, 1e-12) : v);
                        Reference.assertClose(scaled, java.util.Arrays.copyOfRange(y, s * d, (s + 1) * d), 1e-6);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void biasAndActivationStayInsideTheirBuffers(Activation activation) {
        for (int isa = 0; isa <= 2; isa++) {
            Kernels.limitIsa(isa);
            for (int cols : new int[] {1, 7, 16, 31, 48, 65}) {
                try (Arena arena = Arena.ofShared()) {
                    float[] x = Reference.random(11, 3L * cols);
                    float[] bias = Reference.random(12, cols);
                    float[] residual = Reference.random(13, 3L * cols);
                    Tensor guardedX = guarded(arena, x);
                    RowKernels.biasActivation(arena, guardedX.segment(), guarded(arena, bias).segment(),
                            guarded(arena, residual).segment(), 3, cols, 4f, activation.kernelCode()).run();
                    double[] expected = new double[x.length];
                    for (int i = 0; i < x.length; i++) {
                        expected[i] = Reference.activation(activation.name(), 4.0 * ((double) x[i] + bias[i % cols])) + residual[i];
                    }
                    Reference.assertClose(expected, guardedX.toFloats(), 2e-6);
                }
            }
        }
        assertEquals(Functions.NONE, Activation.NONE.kernelCode());
    }

    @Test
    void wrongShapesAreRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            LayerNormOp op = new LayerNormOp(new LayerNormWeights(
                    Tensor.ofFloats(arena, new float[4], 4), Tensor.ofFloats(arena, new float[4], 4), 0));
            ShapeException e = assertThrows(ShapeException.class,
                    () -> OpRunner.run(arena, op, Tensor.ofFloats(arena, new float[10], 2, 5)));
            assertEquals("LayerNorm: src F32 [2, 5], weights [4]: the last dimension must be 4, row-major F32", e.getMessage());
            assertThrows(ShapeException.class, () -> OpRunner.run(arena, new SequencePoolOp(SequencePoolOp.Kind.MEAN, true, 3),
                    Tensor.ofFloats(arena, new float[10], 2, 5), Tensor.ofInts(arena, new int[3], 3)));
        }
    }

    private static Tensor guarded(Arena arena, float[] values) {
        Tensor tensor = Tensor.of(TensorDesc.of(DataType.F32, values.length),
                NativeBuffer.allocateGuarded(arena, values.length * 4L).segment());
        java.lang.foreign.MemorySegment.copy(values, 0, tensor.segment(), java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED, 0,
                values.length);
        return tensor;
    }

    @ParameterizedTest
    @EnumSource(SequencePoolOp.Kind.class)
    void everyKindOfPoolingIsThePlainLoops(SequencePoolOp.Kind kind) {
        try (Arena arena = Arena.ofShared()) {
            int d = 19;
            int[] offsets = {0, 5, 5, 6, 13};
            float[] x = Reference.random(3, 13L * d);
            double[] expected = new double[4 * d];
            for (int s = 0; s < 4; s++) {
                int rows = offsets[s + 1] - offsets[s];
                for (int j = 0; j < d; j++) {
                    double sum = 0;
                    for (int i = 0; i < rows; i++) {
                        double value = x[(offsets[s] + i) * d + j];
                        sum = switch (kind) {
                            case MEAN -> sum + value / rows;
                            case FIRST -> i == 0 ? value : sum;
                            case MAX -> i == 0 ? value : Math.max(sum, value);
                            case MEAN_SQRT -> sum + value / Math.sqrt(rows);
                            case WEIGHTED_MEAN -> sum + value * (i + 1) / (rows * (rows + 1) / 2.0);
                            case LAST -> value;
                        };
                    }
                    expected[s * d + j] = sum;
                }
            }
            Tensor sequences = Tensor.ofInts(arena, new int[] {4, 0, 5, 5, 6, 13}, 6);
            Tensor y = OpRunner.run(arena, new SequencePoolOp(kind, false, 4), Tensor.ofFloats(arena, x, 13, d), sequences);
            Reference.assertClose(expected, y.toFloats(), 1e-6);
            float[] unit = OpRunner.run(arena, new NormalizeOp(), y).toFloats();
            for (int s = 0; s < 4; s++) {
                double length = 0;
                for (int j = 0; j < d; j++) {
                    length += unit[s * d + j] * (double) unit[s * d + j];
                }
                assertEquals(s == 1 ? 0 : 1, Math.sqrt(length), 1e-6);
            }
        }
    }

    @Test
    void indicesOutsideTheirTablesAreRefusedWhenTheyAreMet() {
        try (Arena arena = Arena.ofShared()) {
            Tensor table = Tensor.ofFloats(arena, new float[12], 3, 4);
            EmbeddingOp op = new EmbeddingOp(new EmbeddingOp.Words(table, null), table, table, true, null, 1f);
            for (int[] bad : new int[][] {{3, 0, 0}, {-1, 0, 0}, {0, 3, 0}, {0, 0, Integer.MAX_VALUE}}) {
                assertThrows(IllegalArgumentException.class, () -> OpRunner.run(arena, op, Tensor.ofInts(arena, new int[] {bad[0]}, 1),
                        Tensor.ofInts(arena, new int[] {bad[1]}, 1), Tensor.ofInts(arena, new int[] {bad[2]}, 1)));
            }
            Tensor rows = Tensor.ofFloats(arena, new float[8], 2, 4);
            for (int[] bad : new int[][] {{3, 0, 1, 2}, {-1, 0, 1, 2}, {2, 1, 1, 2}, {2, 0, 2, 1}, {2, 0, 1, 3}}) {
                assertThrows(IllegalArgumentException.class, () ->
                        OpRunner.run(arena, new SequencePoolOp(SequencePoolOp.Kind.MEAN, true, 2),
                        rows, Tensor.ofInts(arena, bad, 4)));
                assertThrows(IllegalArgumentException.class, () -> OpRunner.run(arena, AttentionOp.packedSelf(1, 4),
                        Tensor.ofFloats(arena, new float[24], 2, 12), Tensor.ofInts(arena, bad, 4)));
            }
        }
    }
}
