package dev.gatun.tensor.graph;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * dst[M, N] = activation(scale * (src[M, K] W^T + bias)) + residual. Several parts share the source: their results lie side by side, so
 * that one product computes query, key and value.
 *
 * @param parts      weights and biases, in the order of the columns
 * @param activation applied before the residual is added
 * @param scale      factor of product and bias
 * @param residual   whether a second operand F32 [M, N] is added
 * @param precision  what the weights become, if they do not lose too much by it; not AUTO
 */
public record Linear(List<Part> parts, Activation activation, float scale, boolean residual, Precision precision) implements Layer {

    /**
     * Weights of some columns.
     *
     * @param weight [out, in] as PyTorch stores them, or [in, out]
     * @param inOut  whether it is [in, out]
     * @param bias   [out], or null
     * @param bytes  what the bytes of the weight are worth, or null if it is of floats
     */
    public record Part(Weight weight, boolean inOut, Weight bias, Bytes bytes) {
        /** Of floats. */
        public Part(Weight weight, boolean inOut, Weight bias) {
            this(weight, inOut, bias, null);
        }

        /** Checks the shapes. */
        public Part {
            if (weight.shape().rank() != 2 || bias != null && bias.shape().elementCount() != weight.shape().dim(inOut ? 1 : 0)) {
                throw new ShapeException("Linear", "weight " + weight + ", bias " + bias + ": expected "
                        + (inOut ? "[in, out]" : "[out, in]") + " and [out]", weight.shape());
            }
        }

        long in() {
            return weight.shape().dim(inOut ? 0 : 1);
        }

        long out() {
            return weight.shape().dim(inOut ? 1 : 0);
        }
    }

    /**
     * Of weights that are U8 or S8 in their file. The source becomes U8 for all its rows together, as ONNX's DynamicQuantizeLinear says,
     * and sums are exact.
     *
     * @param scales F32, of each column or one for all
     * @param zeros  of the weight's type, of each column or one for all; null for 0
     */
    public record Bytes(Weight scales, Weight zeros) {
    }

    /** Copies the parts and checks that they have the same K. */
    public Linear {
        parts = List.copyOf(parts);
        Objects.requireNonNull(activation, "activation");
        if (precision == Precision.AUTO) {
            throw new IllegalArgumentException("Linear: precision auto is a choice that a pass makes");
        }
        if (parts.isEmpty()) {
            throw new IllegalArgumentException("Linear: no weights");
        }
        for (Part part : parts) {
            if ((part.bytes() == null) != (parts.getFirst().bytes() == null)) {
                throw new IllegalArgumentException("Linear: bytes and floats side by side");
            }
            if (part.in() != parts.getFirst().in()) {
                throw new ShapeException("Linear", "weights " + parts.getFirst().weight() + " and " + part.weight() + ": K differs",
                        parts.getFirst().weight().shape(), part.weight().shape());
            }
        }
    }

    /** In F32. */
    public Linear(List<Part> parts, Activation activation, float scale, boolean residual) {
        this(parts, activation, scale, residual, Precision.F32);
    }

    /** PyTorch's {@code nn.Linear}: weight [out, in] and bias [out] or null. */
    public Linear(Weight weight, Weight bias) {
        this(new Part(weight, false, bias));
    }

    /** One part, nothing fused. */
    public Linear(Part part) {
        this(List.of(part), Activation.NONE, 1f, false);
    }

    /** The same with an activation. */
    public Linear withActivation(Activation other) {
        return new Linear(parts, other, scale, residual, precision);
    }

    /** The same with a residual. */
    public Linear withResidual() {
        return new Linear(parts, activation, scale, true, precision);
    }

    /** The same in another precision. */
    public Linear withPrecision(Precision other) {
        return new Linear(parts, activation, scale, residual, other);
    }

    /** Whether the weights are bytes in their file. */
    public boolean isOfBytes() {
        return parts.getFirst().bytes() != null;
    }

    /** Columns of the result. */
    public long outFeatures() {
        return parts.stream().mapToLong(Part::out).sum();
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Layer.requireCount("Linear", operands, residual ? 2 : 1);
        TensorDesc src = operands.getFirst();
        if (src.type() != DataType.F32 || src.shape().rank() != 2 || src.shape().dim(1) != parts.getFirst().in()) {
            throw new ShapeException("Linear", "src " + src + ", weight " + parts.getFirst().weight() + ": src must be F32 [M, "
                    + parts.getFirst().in() + "]", src.shape());
        }
        TensorDesc dst = TensorDesc.of(DataType.F32, src.shape().dim(0), outFeatures());
        if (residual && (operands.get(1).type() != DataType.F32 || !operands.get(1).shape().equals(dst.shape()))) {
            throw new ShapeException("Linear", "residual " + operands.get(1) + ", result " + dst + ": they differ",
                    operands.get(1).shape(), dst.shape());
        }
        return List.of(dst);
    }

    @Override
    public List<Weight> weights() {
        List<Weight> all = new ArrayList<>();
        for (Part part : parts) {
            all.add(part.weight());
            if (part.bias() != null) {
                all.add(part.bias());
            }
            if (part.bytes() != null) {
                all.add(part.bytes().scales());
                if (part.bytes().zeros() != null) {
                    all.add(part.bytes().zeros());
                }
            }
        }
        return all;
    }

    @Override
    public String attributes() {
        return (activation == Activation.NONE ? "" : " " + activation) + (scale == 1f ? "" : " * " + scale)
                + (residual ? " + residual" : "") + (precision == Precision.F32 ? "" : " in " + precision);
    }
}
