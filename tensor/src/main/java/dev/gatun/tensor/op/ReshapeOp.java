package dev.gatun.tensor.op;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * dst = the elements of src in row-major order, with other dimensions: the same memory if src is row-major, a reorder otherwise. Result:
 * row-major.
 *
 * @param dims of dst, as many elements as src has
 */
public record ReshapeOp(long... dims) implements Op {

    /** Copies. */
    public ReshapeOp {
        dims = dims.clone();
    }

    @Override
    public long[] dims() {
        return dims.clone();
    }

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Reshape", operands);
        Shape dst = Shape.of(dims);
        if (src.shape().elementCount() != dst.elementCount() || dst.elementCount() == 0) {
            throw new ShapeException("Reshape", "src " + src + " has not as many elements as " + dst + ", or none", src.shape(), dst);
        }
        return List.of(TensorDesc.of(src.type(), dims));
    }
}
