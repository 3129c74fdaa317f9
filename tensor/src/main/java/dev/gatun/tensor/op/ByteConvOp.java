package dev.gatun.tensor.op;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.weights.ByteFilters;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * dst = result(factor * (conv(src - zero, weights - their zeros) + bias) + add), sums exact: src U8 or S8 [N, C, H, W], [N, C, W] or rows
 * [N, C]; dst the same with OC, channels-last. Padding is worth nothing. Of {@link ByteResult#SUMS} factor and add are left out.
 *
 * @param filters weights, factors, bias; the model's
 * @param window  strides, dilations, padding; null of rows
 * @param zero    of src
 * @param result  what becomes of it
 */
public record ByteConvOp(ByteFilters filters, Window window, int zero, ByteResult result) implements Op {

    /** Checks that the window is as the weights. */
    public ByteConvOp {
        if (filters.shape().rank() != (window == null ? 2 : window.rank() + 2) || window != null && window.cutsInput()) {
            throw new IllegalArgumentException("ByteConv: weights " + filters.shape() + " do not fit " + window);
        }
    }

    @Override
    public List<MemorySegment.Scope> owners() {
        return List.of(filters.owner());
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("ByteConv", operands);
        Shape w = filters.shape();
        Shape s = src.shape();
        if (!ByteResult.isByte(src.type()) || s.rank() != w.rank() || s.elementCount() == 0 || s.dim(1) != w.dim(1) * filters.groups()) {
            throw new ShapeException("ByteConv", "src " + src + ", weights " + w + " of " + filters.groups()
                    + " groups: src must be U8 or S8 of as many channels", s, w);
        }
        long[] dims = s.dims();
        dims[1] = w.dim(0);
        for (int i = 2; i < dims.length; i++) {
            dims[i] = window.outputSize(i - 2, s.dim(i), w.dim(i));
            if (dims[i] < 1) {
                throw new ShapeException("ByteConv", "src " + s + ", weights " + w + ", " + window + ": the window does not fit", s, w);
            }
        }
        return List.of(TensorDesc.of(result.type(), dims));
    }
}
