package dev.gatun.tensor.weights;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;

/**
 * A batch norm in inference is an affine function of each channel: scale * (x - mean) / sqrt(variance + epsilon) + shift. After
 * a convolution it costs nothing, because its factor goes into the weights and its offset into the bias.
 */
public final class BatchNormFold {
    private BatchNormFold() {
    }

    /**
     * A batch norm's tensors, all F32 [C].
     *
     * @param scale    PyTorch's weight, or null for 1
     * @param shift    PyTorch's bias, or null for 0
     * @param mean     running mean
     * @param variance running variance
     * @param epsilon  added to the variance
     */
    public record Parameters(Tensor scale, Tensor shift, Tensor mean, Tensor variance, double epsilon) {
        /** Checks the sizes. */
        public Parameters {
            long channels = mean.shape().elementCount();
            for (Tensor t : new Tensor[] {scale, shift, mean, variance}) {
                if (t != null && (t.type() != DataType.F32 || !t.desc().isRowMajor() || t.shape().elementCount() != channels)) {
                    throw new ShapeException("BatchNorm", "mean " + mean.desc() + ", another parameter " + t.desc()
                            + ": all must be row-major F32 [C]", mean.shape(), t.shape());
                }
            }
        }

        public long channels() {
            return mean.shape().elementCount();
        }

        double factor(long c) {
            return (scale == null ? 1 : scale.getFloat(c)) / Math.sqrt(variance.getFloat(c) + epsilon);
        }

        double offset(long c) {
            return (shift == null ? 0 : shift.getFloat(c)) - mean.getFloat(c) * factor(c);
        }
    }

    /**
     * The affine function.
     *
     * @param factor F32 [C]
     * @param offset F32 [C]
     */
    public record Affine(Tensor factor, Tensor offset) {
        /** Checks types and sizes. */
        public Affine {
            for (Tensor t : new Tensor[] {factor, offset}) {
                if (t.type() != DataType.F32 || !t.desc().isRowMajor() || t.shape().elementCount() != factor.shape().elementCount()) {
                    throw new ShapeException("BatchNorm", "factor " + factor.desc() + ", offset " + offset.desc()
                            + ": both must be row-major F32 [C]", factor.shape(), offset.shape());
                }
            }
        }

        public long channels() {
            return factor.shape().elementCount();
        }
    }

    /** The function by itself, in the arena. */
    public static Affine affine(Arena arena, Parameters norm) {
        Tensor factor = Tensor.allocate(arena, TensorDesc.of(DataType.F32, norm.channels()));
        Tensor offset = Tensor.allocate(arena, TensorDesc.of(DataType.F32, norm.channels()));
        for (long c = 0; c < norm.channels(); c++) {
            factor.setFloat(c, (float) norm.factor(c));
            offset.setFloat(c, (float) norm.offset(c));
        }
        return new Affine(factor, offset);
    }

    /**
     * The convolution that computes convolution and batch norm together; computed in double precision.
     *
     * @param arena of the new weights; they can go once {@link ConvWeights} were made of them
     */
    public static ConvWeights.Source fold(Arena arena, ConvWeights.Source conv, Parameters norm) {
        Shape w = conv.weight().shape();
        if (w.dim(0) != norm.channels()) {
            throw new ShapeException("BatchNorm", "weight " + w + ", mean " + norm.mean().shape() + ": channels differ",
                    w, norm.mean().shape());
        }
        if (conv.bias() != null && conv.bias().shape().elementCount() != norm.channels()) {
            throw new ShapeException("BatchNorm", "weight " + w + ", bias " + conv.bias().desc() + ": bias must have " + norm.channels()
                    + " elements", w, conv.bias().shape());
        }
        Tensor weight = Tensor.allocate(arena, conv.weight().desc());
        Tensor bias = Tensor.allocate(arena, TensorDesc.of(DataType.F32, norm.channels()));
        long taps = w.elementCount() / w.dim(0);
        for (long c = 0; c < norm.channels(); c++) {
            double factor = norm.factor(c);
            for (long i = c * taps; i < (c + 1) * taps; i++) {
                weight.setFloat(i, (float) (conv.weight().getFloat(i) * factor));
            }
            double before = conv.bias() == null ? 0 : conv.bias().getFloat(c);
            bias.setFloat(c, (float) (before * factor + norm.offset(c)));
        }
        return new ConvWeights.Source(weight, bias, conv.groups());
    }
}
