package dev.gatun.tensor.weights;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;

/**
 * Parameters of a layer normalization; the model's memory.
 *
 * @param gamma F32 [d]
 * @param beta  F32 [d]
 * @param eps   added to the variance
 */
public record LayerNormWeights(Tensor gamma, Tensor beta, float eps) {

    /** Checks the shapes. */
    public LayerNormWeights {
        Shape g = gamma.shape();
        if (g.rank() != 1 || !g.equals(beta.shape())) {
            throw new ShapeException("LayerNorm", "gamma " + g + ", beta " + beta.shape() + ": both must be [d]", g, beta.shape());
        }
    }

    /** Normalized elements. */
    public long size() {
        return gamma.shape().dim(0);
    }

    /** Bytes of native memory. */
    public long nativeByteSize() {
        return gamma.desc().byteSize() + beta.desc().byteSize();
    }
}
