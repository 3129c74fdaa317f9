package dev.gatun.tensor.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.kernels.Logits;
import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.testing.OpRunner;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PagedAttentionOpTest {
    private static final int[] LENGTHS = {1, 2, 0, 15, 16, 17, 32, 33, 150};

    @AfterEach
    void everyInstructionSetAgain() {
        Kernels.limitIsa(2);
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 4, 1, F32", "4, 2, 33, 2, F32", "8, 8, 64, 2, F32", "6, 2, 7, 1, F32", "3, 3, 24, 3, F32", "4, 2, 33, 2, F16",
            "8, 8, 64, 1, F16"})
    void storedAndAppendedEqualsAttentionOverRows(int heads, int kvHeads, int headDim, int threads, DataType type) {
        for (int isa = 0; isa <= 2; isa++) {
            Kernels.limitIsa(isa);
            try (Arena arena = Arena.ofShared()) {
                int dKv = kvHeads * headDim;
                int d = heads * headDim;
                int rows = Arrays.stream(LENGTHS).sum();
                KvLayout layout = new KvLayout(3, kvHeads, headDim, type);
                MemorySegment[] tables = tables(arena, layout);
                float[] kv = Reference.random(5, (long) rows * 2 * dKv);
                float[] q = Reference.random(6, (long) LENGTHS.length * (d + 2 * dKv));
                store(arena, layout, tables, kv, dKv);
                appendLast(q, kv, d, dKv);
                for (int i = 0; type == DataType.F16 && i < kv.length; i++) {
                    kv[i] = Float.float16ToFloat(Float.floatToFloat16(kv[i]));
                }
                Tensor lengths = Tensor.ofInts(arena, LENGTHS, LENGTHS.length);
                float[] out = OpRunner.run(arena, threads, new PagedAttentionOp(layout, 1, heads, PagedAttentionOp.Append.JOINED, 150),
                        Tensor.ofFloats(arena, q, LENGTHS.length, d + 2 * dKv), lengths, addresses(arena, tables)).toFloats();
                float[] queries = queries(q, d, dKv);
                AttentionOp plain = new AttentionOp(AttentionOp.Source.KEY_VALUE, heads, kvHeads, headDim, false,
                        AttentionOp.MaskKind.NONE, false);
                int[] ones = new int[LENGTHS.length];
                Arrays.fill(ones, 1);
                float[] expected = OpRunner.run(arena, plain, Tensor.ofFloats(arena, queries, LENGTHS.length, d),
                        Tensor.ofFloats(arena, kv, rows, 2 * dKv), sequences(arena, ones), sequences(arena, LENGTHS)).toFloats();
                Reference.assertClose(Reference.widen(expected), out, 2e-6);
                float[] again = OpRunner.run(arena, threads, new PagedAttentionOp(layout, 1, heads, PagedAttentionOp.Append.NONE, 150),
                        Tensor.ofFloats(arena, queries, LENGTHS.length, d), lengths, addresses(arena, tables)).toFloats();
                Reference.assertClose(Reference.widen(out), again, 0);
                for (int reach : new int[] {3, 200}) {
                    Tensor distances = Tensor.ofFloats(arena, Reference.random(7, (long) heads * (2 * reach + 1)), heads, 2 * reach + 1);
                    float[] biased = OpRunner.run(arena, plain.withDistances(distances).withScores(new AttentionOp.Scores(1f, 0f, 0)),
                            Tensor.ofFloats(arena, queries, LENGTHS.length, d), Tensor.ofFloats(arena, kv, rows, 2 * dKv),
                            sequences(arena, ones), sequences(arena, LENGTHS)).toFloats();
                    float[] paged = OpRunner.run(arena, threads, new PagedAttentionOp(layout, 1, heads, PagedAttentionOp.Append.NONE, 150,
                            1f, distances), Tensor.ofFloats(arena, queries, LENGTHS.length, d), lengths,
                            addresses(arena, tables)).toFloats();
                    Reference.assertClose(Reference.widen(biased), paged, 2e-6);
                }
            }
        }
    }

    /** All rows but each sequence's last go through KvStoreOp; what lies behind them must not be read. */
    private static void store(Arena arena, KvLayout layout, MemorySegment[] tables, float[] kv, int dKv) {
        int[] shorter = Arrays.stream(LENGTHS).map(n -> Math.max(0, n - 1)).toArray();
        float[] rows = new float[Arrays.stream(shorter).sum() * 2 * dKv];
        for (int s = 0, from = 0, to = 0; s < LENGTHS.length; from += LENGTHS[s], to += shorter[s++]) {
            System.arraycopy(kv, from * 2 * dKv, rows, to * 2 * dKv, shorter[s] * 2 * dKv);
        }
        OpRunner.run(arena, new KvStoreOp(layout, 1, true), Tensor.ofFloats(arena, rows, rows.length / (2 * dKv), 2 * dKv),
                sequences(arena, shorter), addresses(arena, tables));
    }

    private static void appendLast(float[] q, float[] kv, int d, int dKv) {
        for (int s = 0, row = 0; s < LENGTHS.length; row += LENGTHS[s++]) {
            if (LENGTHS[s] > 0) {
                System.arraycopy(kv, (row + LENGTHS[s] - 1) * 2 * dKv, q, s * (d + 2 * dKv) + d, 2 * dKv);
            }
        }
    }

    private static float[] queries(float[] q, int d, int dKv) {
        float[] queries = new float[LENGTHS.length * d];
        for (int s = 0; s < LENGTHS.length; s++) {
            System.arraycopy(q, s * (d + 2 * dKv), queries, s * d, d);
        }
        return queries;
    }

    private static MemorySegment[] tables(Arena arena, KvLayout layout) {
        MemorySegment[] tables = new MemorySegment[LENGTHS.length];
        for (int s = 0; s < tables.length; s++) {
            int blocks = KvLayout.blocks(LENGTHS[s]);
            tables[s] = arena.allocate(Math.max(1, blocks) * 8L, 8);
            for (int b = 0; b < blocks; b++) {
                MemorySegment block = NativeBuffer.allocateGuarded(arena, layout.blockByteSize()).segment();
                block.fill((byte) 0xff);
                tables[s].setAtIndex(ValueLayout.JAVA_LONG, b, block.address());
            }
        }
        return tables;
    }

    private static Tensor addresses(Arena arena, MemorySegment[] tables) {
        Tensor result = Tensor.allocate(arena, TensorDesc.of(DataType.U8, 8L * tables.length));
        for (int s = 0; s < tables.length; s++) {
            result.segment().setAtIndex(ValueLayout.JAVA_LONG, s, tables[s].address());
        }
        return result;
    }

    private static Tensor sequences(Arena arena, int... lengths) {
        int[] values = new int[lengths.length + 2];
        values[0] = lengths.length;
        for (int i = 0; i < lengths.length; i++) {
            values[i + 2] = values[i + 1] + lengths[i];
        }
        return Tensor.ofInts(arena, values, values.length);
    }

    @Test
    void wrongShapesAreRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            KvLayout layout = new KvLayout(1, 2, 4);
            Tensor tables = Tensor.allocate(arena, TensorDesc.of(DataType.U8, 8));
            ShapeException e = assertThrows(ShapeException.class, () ->
                    OpRunner.run(arena, new PagedAttentionOp(layout, 0, 2, PagedAttentionOp.Append.JOINED, 9),
                    Tensor.ofFloats(arena, new float[8], 1, 8), Tensor.ofInts(arena, new int[1], 1), tables));
            assertEquals("PagedAttention: src F32 [1, 8] must be row-major F32 [rows, 24]", e.getMessage());
            e = assertThrows(ShapeException.class, () -> OpRunner.run(arena, new KvStoreOp(layout, 0, true),
                    Tensor.ofFloats(arena, new float[16], 1, 16), sequences(arena, 1, 1), tables));
            assertTrue(e.getMessage().startsWith("KvStore: sequences S32 [4], tables U8 [8]"), e.getMessage());
            assertThrows(IllegalArgumentException.class, () -> new PagedAttentionOp(layout, 0, 3, PagedAttentionOp.Append.JOINED, 9));
            assertThrows(IllegalArgumentException.class, () -> new KvLayout(0, 1, 1));
            assertThrows(IllegalArgumentException.class, () -> new KvLayout(1, 1, 1, DataType.BF16));
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "7, 3", "37, 8", "128, 128", "1000, 5", "4099, 600"})
    void bestOfEveryRow(int cols, int k) {
        for (int isa = 0; isa <= 2; isa++) {
            Kernels.limitIsa(isa);
            try (Arena arena = Arena.ofShared()) {
                int rows = 3;
                float[] x = Reference.random(cols, (long) rows * cols);
                for (int i = 0; i < x.length; i++) {
                    // Few distinct values, so that there are ties, and some that were forbidden.
                    x[i] = i % 7 == 3 ? Float.NEGATIVE_INFINITY : Math.round(x[i] * 50) * 0.4f;
                }
                Logits logits = new Logits(arena, cols, rows, k);
                MemorySegment data = NativeBuffer.allocateGuarded(arena, x.length * 4L).segment();
                MemorySegment.copy(x, 0, data, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, x.length);
                logits.logSumExp(data, rows);
                logits.topK(data, rows, k);
                for (int row = 0; row < rows; row++) {
                    int base = row * cols;
                    double sum = IntStream.range(0, cols).mapToDouble(j -> Math.exp(x[base + j])).sum();
                    assertEquals(Math.log(sum), logits.logSumExp(row), 1e-5);
                    int[] order = IntStream.range(0, cols).boxed().sorted(Comparator.comparingDouble((Integer j) -> -x[base + j]))
                            .mapToInt(j -> j).toArray();
                    for (int i = 0; i < k; i++) {
                        assertEquals(order[i], logits.index(row, i), "row " + row + ", rank " + i);
                        assertEquals(x[base + order[i]], logits.value(row, i));
                    }
                }
                data.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, cols - 1, Float.NaN);
                logits.logSumExp(data, 1);
                assertTrue(Float.isNaN(logits.logSumExp(0)));
                assertThrows(IllegalArgumentException.class, () -> logits.topK(data, rows, k + 1));
                assertThrows(IllegalArgumentException.class, () -> logits.logSumExp(data, rows + 1));
            }
        }
    }
}
