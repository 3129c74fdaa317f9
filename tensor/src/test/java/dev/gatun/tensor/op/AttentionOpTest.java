package dev.gatun.tensor.op;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.AttentionOp.MaskKind;
import dev.gatun.tensor.op.AttentionOp.Source;
import dev.gatun.tensor.testing.OpRunner;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AttentionOpTest {

    @AfterEach
    void everyInstructionSetAgain() {
        Kernels.limitIsa(2);
    }

    @ParameterizedTest
    @CsvSource({"5, 8, 1", "1, 32, 2", "3, 64, 2", "2, 7, 1", "4, 33, 3", "1, 16, 1"})
    void packedSequencesOfEveryLength(int heads, int headDim, int threads) {
        int[] lengths = {1, 0, 2, 3, 5, 11, 12, 13, 16, 17, 31, 33, 63, 64, 65, 67, 129};
        for (int isa = 0; isa <= 2; isa++) {
            Kernels.limitIsa(isa);
            try (Arena arena = Arena.ofShared()) {
                int rows = java.util.Arrays.stream(lengths).sum();
                int d = heads * headDim;
                float[] qkv = Reference.random(heads * 100L + headDim, (long) rows * 3 * d);
                Tensor out = OpRunner.run(arena, threads, AttentionOp.packedSelf(heads, headDim),
                        Tensor.ofFloats(arena, qkv, rows, 3 * d), sequences(arena, lengths));
                double[] expected = new double[rows * d];
                for (int s = 0, row = 0; s < lengths.length; row += lengths[s++]) {
                    for (int h = 0; h < heads; h++) {
                        int column = h * headDim;
                        head(expected, row, d, column, lengths[s], lengths[s], headDim,
                                (i, c) -> qkv[i * 3 * d + c], (j, c) -> qkv[j * 3 * d + d + c], (j, c) -> qkv[j * 3 * d + 2 * d + c],
                                row, row, column, column, (i, j) -> 0);
                    }
                }
                Reference.assertClose(expected, out.toFloats(), 3e-6);
            }
        }
    }

    @Test
    void groupedHeadsCausalMasksAndPadding() {
        int heads = 4;
        int kvHeads = 2;
        int headDim = 10;
        int[] queries = {3, 20, 7};
        int[] keys = {5, 20, 9};
        try (Arena arena = Arena.ofShared()) {
            float[] q = Reference.random(1, 30L * heads * headDim);
            float[] kv = Reference.random(2, 34L * 2 * kvHeads * headDim);
            float[] mask = Reference.random(3, 3L * heads * 20 * 20);
            Tensor padding = Tensor.allocate(arena, TensorDesc.of(DataType.U8, 34));
            for (int hidden : new int[] {1, 8, 33}) {
                padding.segment().set(java.lang.foreign.ValueLayout.JAVA_BYTE, hidden, (byte) 1);
            }
            for (boolean causal : new boolean[] {false, true}) {
                AttentionOp op = new AttentionOp(Source.KEY_VALUE, heads, kvHeads, headDim, causal,
                        MaskKind.SEQUENCE_HEAD_QUERY_KEY, true);
                Tensor out = OpRunner.run(arena, op, Tensor.ofFloats(arena, q, 30, heads * headDim),
                        Tensor.ofFloats(arena, kv, 34, 2 * kvHeads * headDim), sequences(arena, queries), sequences(arena, keys),
                        Tensor.ofFloats(arena, mask, 3, heads, 20, 20), padding);
                double[] expected = new double[30 * heads * headDim];
                for (int s = 0, qRow = 0, kRow = 0; s < 3; qRow += queries[s], kRow += keys[s++]) {
                    for (int h = 0; h < heads; h++) {
                        int sequence = s;
                        int head = h;
                        int firstKey = kRow;
                        int difference = keys[s] - queries[s];
                        int dKv = kvHeads * headDim;
                        head(expected, qRow, heads * headDim, h * headDim, queries[s], keys[s], headDim,
                                (i, c) -> q[i * heads * headDim + c], (j, c) -> kv[j * 2 * dKv + c], (j, c) -> kv[j * 2 * dKv + dKv + c],
                                qRow, kRow, h * headDim, h / 2 * headDim,
                                (i, j) -> padding.segment().get(java.lang.foreign.ValueLayout.JAVA_BYTE, firstKey + j) != 0
                                        || causal && j > i + difference ? Double.NEGATIVE_INFINITY
                                        : mask[((sequence * heads + head) * 20 + i) * 20 + j]);
                    }
                }
                Reference.assertClose(expected, out.toFloats(), 3e-6);
            }
        }
    }

    @Test
    void hiddenRowsGiveZerosAndNaNSpreads() {
        try (Arena arena = Arena.ofShared()) {
            float[] qkv = Reference.random(4, 4 * 3 * 6);
            float hidden = Float.NEGATIVE_INFINITY;
            float[] mask = {0, 0, hidden, hidden, hidden, hidden, hidden, hidden, 0, 0, 0, 0, 0, hidden, 0, 0};
            AttentionOp op = new AttentionOp(Source.PACKED, 1, 1, 6, false, MaskKind.QUERY_KEY, false);
            float[] out = OpRunner.run(arena, op, Tensor.ofFloats(arena, qkv, 4, 18), sequences(arena, 4),
                    Tensor.ofFloats(arena, mask, 4, 4)).toFloats();
            for (int c = 0; c < 6; c++) {
                assertTrue(out[6 + c] == 0, "a row whose keys are all hidden is zero");
                assertTrue(out[c] != 0 && !Float.isNaN(out[c]));
            }
            qkv[0] = Float.NaN;
            float[] spread = OpRunner.run(arena, AttentionOp.packedSelf(1, 6), Tensor.ofFloats(arena, qkv, 4, 18),
                    sequences(arena, 4)).toFloats();
            assertTrue(Float.isNaN(spread[0]) && !Float.isNaN(spread[6]), "NaN in a query stays in its row");
        }
    }

    @Test
    void wrongShapesAreRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            ShapeException e = assertThrows(ShapeException.class, () -> OpRunner.run(arena, AttentionOp.packedSelf(2, 4),
                    Tensor.ofFloats(arena, new float[16], 1, 16), sequences(arena, 1)));
            assertTrue(e.getMessage().startsWith("Attention: q F32 [1, 16] must be row-major F32 [rows, 24]"), e.getMessage());
            assertThrows(IllegalArgumentException.class, () -> new AttentionOp(Source.PACKED, 3, 2, 4, false, MaskKind.NONE, false));
        }
    }

    private interface Element {
        float at(int row, int column);
    }

    private interface MaskElement {
        double at(int query, int key);
    }

    private static void head(double[] out, int outRow, int outStride, int outColumn, int queries, int keys, int headDim,
            Element q, Element k, Element v, int qRow, int kRow, int qColumn, int kColumn, MaskElement mask) {
        for (int i = 0; i < queries; i++) {
            double[] scores = new double[keys];
            for (int j = 0; j < keys; j++) {
                double dot = 0;
                for (int c = 0; c < headDim; c++) {
                    dot += (double) q.at(qRow + i, qColumn + c) * k.at(kRow + j, kColumn + c);
                }
                scores[j] = dot / Math.sqrt(headDim) + mask.at(i, j);
            }
            double[] weights = Reference.softmax(scores, keys);
            for (int c = 0; c < headDim; c++) {
                double sum = 0;
                for (int j = 0; j < keys; j++) {
                    sum += weights[j] * v.at(kRow + j, kColumn + c);
                }
                out[(outRow + i) * outStride + outColumn + c] = sum;
            }
        }
    }

    private static Tensor sequences(Arena arena, int... lengths) {
        int[] values = new int[lengths.length + 2];
        values[0] = lengths.length;
        for (int i = 0; i < lengths.length; i++) {
            values[i + 2] = values[i + 1] + lengths[i];
        }
        return Tensor.ofInts(arena, values, values.length);
    }
}
