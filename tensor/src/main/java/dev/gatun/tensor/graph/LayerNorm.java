package dev.gatun.tensor.graph;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * dst = (src - mean(src)) / sqrt(variance(src) + epsilon) * gamma + beta over the last dimension (Ba et al. 2016).
 *
 * @param gamma   [d]
 * @param beta    [d], or null for 0
 * @param epsilon added to the variance
 */
public record LayerNorm(Weight gamma, Weight beta, float epsilon) implements Layer {

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Layer.requireCount("LayerNorm", operands, 1);
        TensorDesc src = operands.getFirst();
        if (src.type() != DataType.F32 || src.shape().rank() < 1 || src.shape().dim(-1) != gamma.shape().elementCount()) {
            throw new ShapeException("LayerNorm", "src " + src + ", gamma " + gamma + ": the last dimension must be "
                    + gamma.shape().elementCount(), src.shape(), gamma.shape());
        }
        return List.of(src);
    }

    @Override
    public List<Weight> weights() {
        return beta == null ? List.of(gamma) : List.of(gamma, beta);
    }

    @Override
    public String attributes() {
        return " eps " + epsilon;
    }
}
