package dev.gatun.tensor.weights;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;

/**
 * Parameters of a layer normalization; the model's memory.
 *
 * @param gamma row-major F32 [d]
 * @param beta  row-major F32 [d], or null for 0
 * @param eps   added to the variance
 * @param rms   whether the mean is taken for 0, as RMSNorm does
 */
public record LayerNormWeights(Tensor gamma, Tensor beta, float eps, boolean rms) {

    /** Checks types and shapes. */
    public LayerNormWeights {
        for (Tensor t : new Tensor[] {gamma, beta == null ? gamma : beta}) {
            if (t.type() != DataType.F32 || !t.desc().isRowMajor() || t.shape().rank() != 1 || !t.shape().equals(gamma.shape())) {
                throw new ShapeException("LayerNorm", "gamma " + gamma.desc() + ", beta " + (beta == null ? "none" : beta.desc())
                        + ": both must be row-major F32 [d]", gamma.shape());
            }
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
