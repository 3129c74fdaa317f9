package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.weights.LinearWeights;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * dst[M, N] = activation(scale * (src[M, K] x W[K, N] + bias[N])) + residual[M, N], in one kernel. All F32,
 * row-major. The residual, if there is one, is the second operand.
 *
 * @param weights    packed for a kernel; the model's
 * @param activation applied before the residual is added
 * @param scale      factor of the product and the bias
 * @param residual   whether a second operand is added
 */
public record LinearOp(LinearWeights weights, Activation activation, float scale, boolean residual) implements Op {

    /** Refuses null. */
    public LinearOp {
        Objects.requireNonNull(weights, "weights");
        Objects.requireNonNull(activation, "activation");
    }

    /** Without scale and residual. */
    public LinearOp(LinearWeights weights, Activation activation) {
        this(weights, activation, 1f, false);
    }

    /** Without activation and scale, with a residual. */
    public static LinearOp withResidual(LinearWeights weights) {
        return new LinearOp(weights, Activation.NONE, 1f, true);
    }

    private TensorDesc check(List<TensorDesc> inputs) {
        Operands.count("Linear", inputs, residual ? 2 : 1);
        TensorDesc src = inputs.get(0);
        Shape w = Shape.of(weights.inFeatures(), weights.outFeatures());
        if (src.shape().rank() != 2 || !src.isRowMajor() || src.type() != DataType.F32) {
            throw new ShapeException("Linear", "src " + src + " must be row-major F32 [M, K]", src.shape());
        }
        if (src.shape().dim(1) != weights.inFeatures()) {
            throw new ShapeException("Linear", "src " + src.shape() + ", weights " + w + ": K " + src.shape().dim(1)
                    + " != " + weights.inFeatures(), src.shape(), w);
        }
        TensorDesc dst = TensorDesc.of(DataType.F32, src.shape().dim(0), weights.outFeatures());
        if (residual && (!inputs.get(1).shape().equals(dst.shape()) || !inputs.get(1).isRowMajor()
                || inputs.get(1).type() != DataType.F32)) {
            throw new ShapeException("Linear", "residual " + inputs.get(1) + ", result " + dst + ": must be row-major F32 of its shape",
                    inputs.get(1).shape(), dst.shape());
        }
        return dst;
    }

    @Override
    public List<MemorySegment.Scope> owners() {
        return List.of(weights.owner());
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        return List.of(check(operands));
    }
}
