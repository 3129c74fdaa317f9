package dev.gatun.tensor.graph;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * dst = (src - mean(src)) / sqrt(variance(src) + epsilon) * (gamma + offset) + beta over the last dimension (Ba et al. 2016); for an RMS
 * norm (Zhang and Sennrich 2019) the mean is taken for 0.
 *
 * @param gamma   [d]
 * @param beta    [d], or null for 0
 * @param epsilon added to the variance
 * @param rms     whether the mean is taken for 0
 * @param offset  added to gamma; 1 where a checkpoint stores the difference from 1
 */
public record LayerNorm(Weight gamma, Weight beta, float epsilon, boolean rms, float offset) implements Layer {

    /** With a mean, gamma as it is. */
    public LayerNorm(Weight gamma, Weight beta, float epsilon) {
        this(gamma, beta, epsilon, false, 0f);
    }

    /** An RMS norm, gamma as it is. */
    public static LayerNorm rms(Weight gamma, float epsilon) {
        return new LayerNorm(gamma, null, epsilon, true, 0f);
    }

    /** Checks the shapes. */
    public LayerNorm {
        if (gamma.shape().rank() != 1 || beta != null && !beta.shape().equals(gamma.shape())) {
            throw new ShapeException("LayerNorm", "gamma " + gamma + ", beta " + beta + ": both must be [d]", gamma.shape());
        }
    }

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
        return (rms ? " rms" : "") + " eps " + epsilon + (offset == 0f ? "" : " gamma + " + offset);
    }
}
