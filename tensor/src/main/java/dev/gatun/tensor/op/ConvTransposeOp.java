package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.weights.ConvWeights;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * dst = activation(transposed convolution of src + bias), the gradient of a convolution with regard to its input.
 * src F32 [N, IC, H, W] or [N, IC, W], dst F32 [N, OC, OH, OW] with OH = (H - 1) * stride - paddingBegin - paddingEnd +
 * dilation * (KH - 1) + 1; PyTorch's output_padding is a smaller paddingEnd. Layouts as in {@link ConvOp}.
 *
 * @param weights    made by {@link ConvWeights#ofTransposed}
 * @param window     of the convolution that this one reverses
 * @param activation applied last
 */
public record ConvTransposeOp(ConvWeights weights, Window window, Activation activation) implements Op {

    /** Checks that weights and window have the same number of dimensions. */
    public ConvTransposeOp {
        Objects.requireNonNull(activation, "activation");
        if (!weights.transposed() || weights.shape().rank() != window.rank() + 2) {
            throw new ShapeException("ConvTranspose", "weights " + weights.shape() + (weights.transposed() ? "" : " not transposed")
                    + " do not fit a window with " + window, weights.shape());
        }
    }

    private Shape check(TensorDesc src) {
        Shape s = src.shape();
        Shape w = weights.shape();
        if (src.type() != DataType.F32 || s.rank() != w.rank() || s.dim(1) != weights.inChannels()) {
            throw new ShapeException("ConvTranspose", "src " + src + ", weights " + w + " of " + weights.groups()
                    + " groups: src must be F32 [N, " + weights.inChannels() + ", ...] of " + w.rank() + " dimensions", s, w);
        }
        long[] dims = s.dims();
        dims[1] = weights.outChannels();
        for (int i = 0; i < window.rank(); i++) {
            dims[2 + i] = window.transposedSize(i, s.dim(2 + i), weights.kernel(i));
            if (dims[2 + i] < 1) {
                throw new ShapeException("ConvTranspose", "src " + s + ", weights " + w + ", " + window + ": nothing is left", s, w);
            }
        }
        return Shape.of(dims);
    }

    @Override
    public List<MemorySegment.Scope> owners() {
        return List.of(weights.owner());
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        return List.of(TensorDesc.of(DataType.F32, check(Operands.one("ConvTranspose", operands)).dims()));
    }
}
