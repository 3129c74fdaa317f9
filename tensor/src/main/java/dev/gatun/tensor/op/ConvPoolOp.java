package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * dst[N, OC, OH / 2, OW / 2] = the largest of each two by two pixels of activation(convolution(src, weights) + bias), a
 * {@link ConvOp} and {@code PoolOp.max(2)}, where a kernel allows it without writing what is between them. src F32 [N, IC, H, W], row-major
 * of few channels or channels-last, dst channels-last. Where no kernel computes both at once, one after the other.
 *
 * @param conv without residual
 */
public record ConvPoolOp(ConvOp conv) implements Op {

    @Override
    public List<MemorySegment.Scope> owners() {
        return conv.owners();
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Shape s = conv.results(operands).getFirst().shape();
        if (s.rank() != 4 || s.dim(2) < 2 || s.dim(3) < 2) {
            throw new ShapeException("ConvPool", "result " + s + " of the convolution: too small to be pooled two by two", s);
        }
        return List.of(TensorDesc.of(DataType.F32, s.dim(0), s.dim(1), s.dim(2) / 2, s.dim(3) / 2));
    }
}
