package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.weights.Int8Weights;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * dst = activation(convolution + bias + residual) over bytes, in one kernel: src U8 or S8 [N, IC, H, W], dst U8 or S8
 * [N, OC, OH, OW], both channels-last, each byte worth its tensor's scale. Sums are exact where
 * {@link Int8Weights#sumsAreExact}; the result is rounded once. The residual, the second operand, is U8 or S8 of dst's shape; the
 * result is written over it.
 *
 * @param weights       the model's
 * @param window        strides, dilations, padding
 * @param activation    applied last
 * @param srcScale      what one unit of src is worth
 * @param residualScale what one unit of the residual is worth; 0 without one
 * @param type          of dst
 * @param dstScale      what one unit of dst is worth
 */
public record Int8ConvOp(Int8Weights weights, Window window, Activation activation, float srcScale, float residualScale,
        DataType type, float dstScale) implements Op {

    /** Checks types and scales. */
    public Int8ConvOp {
        Objects.requireNonNull(activation, "activation");
        if (window.cutsInput()) {
            throw new IllegalArgumentException("Int8Conv: padding of " + window + " must be 0 or more");
        }
        if (type != DataType.U8 && type != DataType.S8 || !isScale(srcScale) || !isScale(dstScale)
                || residualScale != 0 && !isScale(residualScale) || weights.shape().rank() != 4 || window.rank() != 2) {
            throw new IllegalArgumentException("Int8Conv: dst " + type + ", scales " + srcScale + ", " + residualScale + ", " + dstScale
                    + ", weights " + weights.shape() + ", " + window
                    + ": expected U8 or S8, finite scales above 0, and pictures");
        }
    }

    static boolean isScale(float scale) {
        return scale > 0 && scale < Float.POSITIVE_INFINITY;
    }

    private Shape check(List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        Shape s = src.shape();
        Shape w = weights.shape();
        if (!isByte(src) || w.rank() != 4 || s.rank() != 4 || s.dim(1) != w.dim(1)) {
            throw new ShapeException("Int8Conv", "src " + src + ", weights " + w + ": src must be U8 or S8 [N, " + w.dim(1)
                    + ", H, W], channels last", s, w);
        }
        long[] dims = {s.dim(0), w.dim(0), window.outputSize(0, s.dim(2), w.dim(2)), window.outputSize(1, s.dim(3), w.dim(3))};
        if (dims[2] < 1 || dims[3] < 1) {
            throw new ShapeException("Int8Conv", "src " + s + ", weights " + w + ", " + window + ": the window does not fit", s, w);
        }
        Shape dst = Shape.of(dims);
        if (residualScale > 0 && (inputs.size() != 2 || !isByte(inputs.get(1)) || !inputs.get(1).shape().equals(dst))) {
            throw new ShapeException("Int8Conv", "result " + dst + ": the residual must be U8 or S8 of the same shape, channels last", dst);
        }
        return dst;
    }

    private static boolean isByte(TensorDesc desc) {
        return desc.type() == DataType.U8 || desc.type() == DataType.S8;
    }

    @Override
    public List<MemorySegment.Scope> owners() {
        return List.of(weights.owner());
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Operands.count("Int8Conv", operands, residualScale > 0 ? 2 : 1);
        return List.of(TensorDesc.of(type, check(operands).dims()));
    }
}
