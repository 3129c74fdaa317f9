package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.weights.LayerNormWeights;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * dst = (x - mean(x)) / sqrt(variance(x) + eps) * gamma + beta over the last dimension (Ba et al. 2016), where x is src
 * or, with a second operand, their sum; for RMS norms (Zhang and Sennrich 2019) the mean is taken for 0. F32 row-major [.., d]; takes the
 * source's memory where nothing reads it later.
 *
 * @param weights the model's
 */
public record LayerNormOp(LayerNormWeights weights) implements Op {

    /** Refuses null. */
    public LayerNormOp {
        Objects.requireNonNull(weights, "weights");
    }

    @Override
    public List<MemorySegment.Scope> owners() {
        return Operands.owners(weights.gamma(), weights.beta());
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.some("LayerNorm", operands);
        long d = weights.size();
        if (operands.size() > 2) {
            throw new IllegalArgumentException("LayerNorm: " + operands.size() + " operands, expected 1 or 2");
        }
        for (TensorDesc operand : operands) {
            if (operand.type() != DataType.F32 || !operand.isRowMajor() || operand.shape().rank() == 0 || operand.shape().dim(-1) != d) {
                throw new ShapeException("LayerNorm", (operand == src ? "src " : "residual ") + operand + ", weights [" + d
                        + "]: the last dimension must be " + d
                        + ", row-major F32",
                        operand.shape(), weights.gamma().shape());
            }
        }
        if (operands.size() > 1 && !operands.get(1).shape().equals(src.shape())) {
            throw new ShapeException("LayerNorm", "src " + src + ", residual " + operands.get(1) + ": shapes differ",
                    src.shape(), operands.get(1).shape());
        }
        return List.of(src);
    }
}
