package dev.gatun.tensor.op;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * dst [N, C * H * W] = src [N, C, H, W] in the order C, H, W, as PyTorch's {@code view} does: the same memory if src is
 * row-major, a reorder otherwise. Result: row-major, ready for a {@link LinearOp}.
 */
public record FlattenOp() implements Op {

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Flatten", operands);
        Shape s = src.shape();
        if (s.rank() < 2 || s.elementCount() == 0) {
            throw new ShapeException("Flatten", "src " + src + " must be [N, C, ...], none empty", s);
        }
        return List.of(TensorDesc.of(src.type(), s.dim(0), s.elementCount() / s.dim(0)));
    }
}
