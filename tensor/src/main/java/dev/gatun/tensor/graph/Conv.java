package dev.gatun.tensor.graph;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * dst = activation(convolution(src, weight) + bias + residual): PyTorch's {@code nn.Conv1d} and {@code nn.Conv2d}. src F32 [N, IC, H, W]
 * or [N, IC, W].
 *
 * @param weight     [OC, IC / groups, KH, KW] or [OC, IC / groups, KW]
 * @param bias       [OC], or null
 * @param groups     parts that the channels are divided into
 * @param window     strides, dilations, padding
 * @param activation applied last
 * @param residual   whether a second operand of the result's shape is added, over whose memory the result is written
 * @param pooled     whether each two by two of the results are replaced by the largest of them
 * @param layout     of source and result: ANY leaves the choice to the kernel
 */
public record Conv(Weight weight, Weight bias, long groups, Window window, Activation activation, boolean residual, boolean pooled,
        MemoryFormat layout) implements Layer {

    /** Checks the shapes. */
    public Conv {
        Objects.requireNonNull(activation, "activation");
        Objects.requireNonNull(layout, "layout");
        Shape w = weight.shape();
        if (w.rank() != window.rank() + 2 || w.elementCount() == 0 || groups < 1 || w.dim(0) % groups != 0
                || bias != null && bias.shape().elementCount() != w.dim(0)) {
            throw new ShapeException("Conv", "weight " + weight + ", bias " + bias + ", " + groups + " groups, " + window
                    + ": expected [OC, IC / groups, ...] and [OC]", w);
        }
        if (pooled && (residual || window.rank() != 2)) {
            throw new IllegalArgumentException("Conv: pooled only over pictures and without residual");
        }
    }

    /** Dense, nothing fused. */
    public Conv(Weight weight, Weight bias, Window window) {
        this(weight, bias, 1, window, Activation.NONE, false, false, MemoryFormat.ANY);
    }

    /** The same with other weights. */
    public Conv with(Weight otherWeight, Weight otherBias) {
        return new Conv(otherWeight, otherBias, groups, window, activation, residual, pooled, layout);
    }

    /** The same with an activation. */
    public Conv withActivation(Activation other) {
        return new Conv(weight, bias, groups, window, other, residual, pooled, layout);
    }

    /** The same with a residual. */
    public Conv withResidual() {
        return new Conv(weight, bias, groups, window, activation, true, pooled, layout);
    }

    /** The same with pooling. */
    public Conv withPool() {
        return new Conv(weight, bias, groups, window, activation, residual, true, layout);
    }

    /** The same without pooling. */
    public Conv withoutPool() {
        return new Conv(weight, bias, groups, window, activation, residual, false, layout);
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Layer.requireCount("Conv", operands, residual ? 2 : 1);
        TensorDesc src = operands.getFirst();
        Shape dst = shape(src, weight, groups, window, pooled);
        if (residual && !operands.get(1).shape().equals(dst)) {
            throw new ShapeException("Conv", "residual " + operands.get(1) + ", result " + dst + ": they differ", operands.get(1).shape(),
                    dst);
        }
        return List.of(TensorDesc.of(DataType.F32, dst.dims()));
    }

    /** The result's shape, of bytes too. */
    static Shape shape(TensorDesc src, Weight weight, long groups, Window window, boolean pooled) {
        Shape w = weight.shape();
        Shape s = src.shape();
        if (s.rank() != w.rank() || s.dim(1) != w.dim(1) * groups) {
            throw new ShapeException("Conv", "src " + src + ", weight " + weight + ": src must have " + w.dim(1) * groups
                    + " channels and " + w.rank() + " dimensions", s, w);
        }
        long[] dims = s.dims();
        dims[1] = w.dim(0);
        for (int i = 0; i < window.rank(); i++) {
            dims[2 + i] = window.outputSize(i, s.dim(2 + i), w.dim(2 + i)) / (pooled ? 2 : 1);
            if (dims[2 + i] < 1) {
                throw new ShapeException("Conv", "src " + s + ", weight " + weight + ", " + window + ": the window does not fit", s, w);
            }
        }
        return Shape.of(dims);
    }

    @Override
    public List<Weight> weights() {
        List<Weight> all = new ArrayList<>(List.of(weight));
        if (bias != null) {
            all.add(bias);
        }
        return all;
    }

    @Override
    public String attributes() {
        return " " + window + (groups == 1 ? "" : " groups " + groups) + (residual ? " + residual" : "")
                + (activation == Activation.NONE ? "" : " " + activation) + (pooled ? " pooled" : "")
                + (layout == MemoryFormat.ANY ? "" : " " + layout);
    }
}
