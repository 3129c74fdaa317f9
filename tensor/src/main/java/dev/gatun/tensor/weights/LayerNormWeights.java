package dev.gatun.tensor.weights;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;

/**
 * Parameters of a layer normalization; the model's memory.
 *
 * @param gamma F32 [d]
 * @param beta  F32 [d], or null for none
 * @param eps   added to the variance
 * @param rms   whether the mean is taken for 0, as RMSNorm does
 */
public record LayerNormWeights(Tensor gamma, Tensor beta, float eps, boolean rms) {

    /** Checks the shapes. */
    public LayerNormWeights {
        Shape g = gamma.shape();
        if (g.rank() != 1 || beta != null && !g.equals(beta.shape())) {
            throw new ShapeException("LayerNorm", "gamma " + g + ", beta " + (beta == null ? "none" : beta.shape()) + ": both must be [d]",
                    g);
        }
    }

    /** With a mean. */
    public LayerNormWeights(Tensor gamma, Tensor beta, float eps) {
        this(gamma, beta, eps, false);
    }

    /** Normalized elements. */
    public long size() {
        return gamma.shape().dim(0);
    }

    /** Bytes of native memory. */
    public long nativeByteSize() {
        return gamma.desc().byteSize() + (beta == null ? 0 : beta.desc().byteSize());
    }
}
