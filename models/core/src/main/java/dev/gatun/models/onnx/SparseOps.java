package dev.gatun.models.onnx;

import dev.gatun.tensor.Shape;
import java.lang.foreign.Arena;

/** Sparse constants become dense ones. */
final class SparseOps {
    private SparseOps() {
    }

    /**
     * The dense form.
     *
     * @param arena   owns it
     * @param indices [n] over all elements, or [n, rank]
     */
    static OnnxTensor dense(Arena arena, OnnxTensor values, OnnxTensor indices, long[] dims) {
        if (Math.multiplyExact(Shape.of(dims).elementCount(), values.type().byteSize()) > 1L << 32) {
            throw new IllegalArgumentException("dense it would take more than 4 GB");
        }
        OnnxTensor dense = OnnxTensor.allocate(arena, values.type(), dims);
        long[] strides = Walk.dense(dims);
        boolean linear = indices.rank() == 1;
        for (long i = 0; i < values.size(); i++) {
            long at = 0;
            for (int d = 0; d < (linear ? 1 : dims.length); d++) {
                long index = indices.whole(linear ? i : i * dims.length + d);
                long limit = linear ? dense.size() : dims[d];
                if (index < 0 || index >= limit) {
                    throw new IllegalArgumentException("index " + index + " is out of range");
                }
                at += linear ? index : index * strides[d];
            }
            if (values.type().isReal()) {
                dense.put(at, values.real(i));
            } else {
                dense.putWhole(at, values.whole(i));
            }
        }
        return dense;
    }
}
