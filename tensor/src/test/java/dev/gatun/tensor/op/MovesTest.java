package dev.gatun.tensor.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.testing.OpRunner;
import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Reshapes and strided copies against plain indexing. */
class MovesTest {
    private static float[] numbers(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = i;
        }
        return values;
    }

    private static void check(int count, long offset, long[] dims, long[] strides) {
        try (Arena arena = Arena.ofConfined()) {
            Tensor y = OpRunner.run(arena, new StridedOp(offset, dims, strides), Tensor.ofFloats(arena, numbers(count), count));
            assertArrayEquals(dims, y.shape().dims());
            for (long i = 0; i < y.shape().elementCount(); i++) {
                long left = i;
                long at = offset;
                for (int d = dims.length - 1; d >= 0; d--) {
                    at += left % dims[d] * strides[d];
                    left /= dims[d];
                }
                assertEquals(at, y.getFloat(i), "element " + i);
            }
        }
    }

    @Test
    void stridesTransposeAndSliceUpToTheLastElement() {
        check(7, 6, new long[] {1}, new long[] {1});
        check(35, 0, new long[] {7, 5}, new long[] {1, 7});
        check(2 * 17 * 96, 64, new long[] {2, 4, 17, 8}, new long[] {17 * 96, 8, 96, 1});
        check(2 * 17 * 96, 32, new long[] {2, 4, 8, 17}, new long[] {17 * 96, 8, 1, 96});
        check(3 * 4 * 5 * 6, 0, new long[] {3, 2, 2, 5, 2, 3}, new long[] {120, 60, 30, 6, 3, 1});
        check(100, 1, new long[] {33}, new long[] {3});
    }

    @Test
    void reshapesReadAnyLayoutInRowMajorOrder() {
        try (Arena arena = Arena.ofConfined()) {
            Tensor x = Tensor.ofFloats(arena, numbers(60), 1, 3, 4, 5);
            Tensor last = OpRunner.run(arena, new ReorderOp(DataType.F32, MemoryFormat.CHANNELS_LAST), x);
            assertArrayEquals(numbers(60), OpRunner.run(arena, new ReshapeOp(2, 15, 2), x).toFloats());
            assertArrayEquals(numbers(60), OpRunner.run(arena, new ReshapeOp(60), last).toFloats());
        }
    }

    @Test
    void whatWouldReadOutsideIsRefused() {
        List<TensorDesc> ten = List.of(TensorDesc.of(DataType.F32, 10));
        assertThrows(ShapeException.class, () -> new StridedOp(8, new long[] {2, 2}, new long[] {1, 1}).results(ten));
        assertThrows(IllegalArgumentException.class, () -> new StridedOp(0, new long[] {3}, new long[] {Long.MAX_VALUE}));
        assertThrows(IllegalArgumentException.class, () -> new StridedOp(-1, new long[] {1}, new long[] {1}));
        assertThrows(IllegalArgumentException.class, () -> new StridedOp(0, new long[] {2}, new long[] {0}));
        assertThrows(IllegalArgumentException.class, () -> new StridedOp(0, new long[0], new long[0]));
        assertThrows(ShapeException.class, () -> new ReshapeOp(3, 3).results(ten));
        assertThrows(ShapeException.class, () -> new ReshapeOp(0).results(List.of(TensorDesc.of(DataType.F32, 0))));
    }
}
