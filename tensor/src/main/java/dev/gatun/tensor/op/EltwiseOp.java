package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;
import java.util.Objects;

/**
 * dst = activation(src), element by element, over the source's memory where nothing reads it later.
 *
 * @param activation not NONE
 */
public record EltwiseOp(Activation activation) implements Op {

    /** Checks the activation. */
    public EltwiseOp {
        if (Objects.requireNonNull(activation, "activation") == Activation.NONE) {
            throw new IllegalArgumentException("Eltwise: no activation to compute");
        }
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Eltwise", operands);
        if (src.type() != DataType.F32) {
            throw new ShapeException("Eltwise", "src " + src + " must be F32", src.shape());
        }
        return List.of(TensorDesc.of(src.type(), src.shape().dims()));
    }
}
