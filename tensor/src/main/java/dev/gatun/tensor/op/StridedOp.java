package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.Arrays;
import java.util.List;

/**
 * dst[i, j, ..] = src[offset + i * strides[0] + j * strides[1] + ..]: a transpose, a slice, or both. src F32 row-major of any dimensions,
 * dst F32 row-major.
 *
 * @param offset  of the first element
 * @param dims    of dst, 1 to 12 of them
 * @param strides in elements of src, one for each dimension, 1 or more
 */
public record StridedOp(long offset, long[] dims, long[] strides) implements Op {
    /** oneDNN's limit. */
    public static final int MAX_RANK = 12;

    /** Checks signs and counts. */
    public StridedOp {
        dims = dims.clone();
        strides = strides.clone();
        boolean fits = offset >= 0 && dims.length == strides.length && dims.length > 0 && dims.length <= MAX_RANK;
        for (int i = 0; fits && i < dims.length; i++) {
            fits = dims[i] > 0 && strides[i] > 0 && Math.multiplyHigh(dims[i] - 1, strides[i]) == 0 && (dims[i] - 1) * strides[i] >= 0
                    && (dims[i] - 1) * strides[i] < (Long.MAX_VALUE - offset) / MAX_RANK;
        }
        if (!fits) {
            throw new IllegalArgumentException("Strided: offset " + offset + ", dims " + Arrays.toString(dims) + ", strides "
                    + Arrays.toString(strides) + ": expected 0 or more, and 1 to " + MAX_RANK
                    + " numbers of 1 or more, that reach no further than a number of elements can");
        }
    }

    @Override
    public long[] dims() {
        return dims.clone();
    }

    @Override
    public long[] strides() {
        return strides.clone();
    }

    @Override
    public boolean movesData() {
        return true;
    }

    /** Elements from the first to the last that is read. */
    public long reach() {
        long reach = 1;
        for (int i = 0; i < dims.length; i++) {
            reach += (dims[i] - 1) * strides[i];
        }
        return reach;
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Strided", operands);
        long last = offset + reach() - 1;
        if (src.type() != DataType.F32 || !src.isRowMajor() || last >= src.shape().elementCount()) {
            throw new ShapeException("Strided", "src " + src + ": must be row-major F32 of more than " + last + " elements", src.shape(),
                    Shape.of(dims));
        }
        return List.of(TensorDesc.of(DataType.F32, dims));
    }
}
