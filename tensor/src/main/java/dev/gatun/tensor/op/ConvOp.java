package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.weights.ConvWeights;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * dst = activation(convolution(src, weights) + bias + residual), a cross-correlation over one or two spatial
 * dimensions, in one kernel. src F32 [N, IC, H, W] or [N, IC, W] in any layout, dst F32 [N, OC, OH, OW] in the layout
 * that the kernel likes best; a source that comes in another layout is reordered first. The residual, the second
 * operand, has dst's shape; the result is written over it and takes its layout, so nothing else may read it later.
 *
 * @param weights    the model's
 * @param window     strides, dilations, padding
 * @param activation applied last
 * @param residual   whether a second operand is added
 * @param layout     of source and result: ANY leaves the choice to the kernel
 */
public record ConvOp(ConvWeights weights, Window window, Activation activation, boolean residual, MemoryFormat layout)
        implements Op {

    /** Checks that weights and window have the same number of dimensions. */
    public ConvOp {
        Objects.requireNonNull(activation, "activation");
        if (window.cutsInput()) {
            throw new IllegalArgumentException("Conv: padding of " + window + " must be 0 or more");
        }
        if (weights.transposed() || weights.shape().rank() != window.rank() + 2) {
            throw new ShapeException("Conv", "weights " + weights.shape() + (weights.transposed() ? " transposed" : "")
                    + " do not fit a window with " + window, weights.shape());
        }
        if (Objects.requireNonNull(layout, "layout") == MemoryFormat.BLOCKED) {
            throw new IllegalArgumentException("Conv: layout must be ANY or a plain one");
        }
    }

    /** In oneDNN's favourite layout, without residual. */
    public ConvOp(ConvWeights weights, Window window, Activation activation) {
        this(weights, window, activation, false, MemoryFormat.ANY);
    }

    /** The result's shape, if the operands fit. */
    private Shape check(List<TensorDesc> inputs) {
        Operands.count("Conv", inputs, residual ? 2 : 1);
        TensorDesc src = inputs.get(0);
        Shape s = src.shape();
        Shape w = weights.shape();
        if (src.type() != DataType.F32 || s.rank() != w.rank()) {
            throw new ShapeException("Conv", "src " + src + ", weights " + w + ": src must be F32 of " + w.rank() + " dimensions", s, w);
        }
        if (s.dim(1) != weights.inChannels()) {
            throw new ShapeException("Conv", "src " + s + ", weights " + w + ": channels " + s.dim(1) + " != "
                    + weights.inChannels(), s, w);
        }
        long[] dims = s.dims();
        dims[1] = weights.outChannels();
        for (int i = 0; i < window.rank(); i++) {
            dims[2 + i] = window.outputSize(i, s.dim(2 + i), weights.kernel(i));
            if (dims[2 + i] < 1) {
                throw new ShapeException("Conv", "src " + s + ", weights " + w + ", " + window + ": the window does not fit", s, w);
            }
        }
        Shape dst = Shape.of(dims);
        if (residual && (!inputs.get(1).shape().equals(dst) || inputs.get(1).type() != DataType.F32)) {
            throw new ShapeException("Conv", "residual " + inputs.get(1) + ", result " + dst + ": shapes differ",
                    inputs.get(1).shape(), dst);
        }
        return dst;
    }

    @Override
    public List<MemorySegment.Scope> owners() {
        return List.of(weights.owner());
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        return List.of(TensorDesc.of(DataType.F32, check(operands).dims()));
    }
}
