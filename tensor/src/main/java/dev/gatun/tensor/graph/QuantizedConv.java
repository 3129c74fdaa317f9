package dev.gatun.tensor.graph;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A convolution of bytes: dst = quantize(activation(convolution(src, weight) + bias + residual), output). Operands: src, and a residual if
 * it has a range, over whose memory the result is written.
 *
 * @param weight     S8 [OC, IC, KH, KW]
 * @param scales     F32 [OC]: what a byte of each channel's weights is worth
 * @param bias       F32 [OC], or null
 * @param window     strides, dilations, padding
 * @param activation applied before the result is quantized
 * @param input      range of src
 * @param residual   range of the residual, or null
 * @param output     range of the result
 */
public record QuantizedConv(Weight weight, Weight scales, Weight bias, Window window, Activation activation, Range input, Range residual,
        Range output) implements Layer {

    /** Checks the shapes. */
    public QuantizedConv {
        Objects.requireNonNull(activation, "activation");
        Objects.requireNonNull(output, "output");
        Shape w = weight.shape();
        if (w.rank() != 4 || window.rank() != 2 || w.elementCount() == 0 || scales.shape().elementCount() != w.dim(0)
                || bias != null && bias.shape().elementCount() != w.dim(0)) {
            throw new ShapeException("QuantizedConv", "weight " + weight + ", scales " + scales + ", bias " + bias + ", " + window
                    + ": expected [OC, IC, KH, KW], [OC] and [OC]", w);
        }
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Layer.requireCount("QuantizedConv", operands, residual == null ? 1 : 2);
        TensorDesc src = operands.getFirst();
        if (src.type() != input.type()) {
            throw new ShapeException("QuantizedConv", "src " + src + ": must be " + input.type(), src.shape());
        }
        return List.of(TensorDesc.of(output.type(), Conv.shape(src, weight, 1, window, false).dims()));
    }

    @Override
    public List<Weight> weights() {
        List<Weight> all = new ArrayList<>(List.of(weight, scales));
        if (bias != null) {
            all.add(bias);
        }
        return all;
    }

    @Override
    public String attributes() {
        return " " + window + (residual == null ? "" : " + residual") + (activation == Activation.NONE ? "" : " " + activation)
                + " " + input + " -> " + output;
    }
}
