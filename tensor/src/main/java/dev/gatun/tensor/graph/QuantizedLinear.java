package dev.gatun.tensor.graph;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A linear layer over bytes with an F32 result: dst[M, N] = activation(src[M, K] W^T + bias).
 *
 * @param weight     S8 [N, K]
 * @param scales     F32 [N]: what a byte of each row is worth
 * @param bias       F32 [N], or null
 * @param activation applied last
 * @param input      range of src
 */
public record QuantizedLinear(Weight weight, Weight scales, Weight bias, Activation activation, Range input) implements Layer {

    /** Checks the shapes. */
    public QuantizedLinear {
        Objects.requireNonNull(activation, "activation");
        Shape w = weight.shape();
        if (w.rank() != 2 || w.elementCount() == 0 || scales.shape().elementCount() != w.dim(0)
                || bias != null && bias.shape().elementCount() != w.dim(0)) {
            throw new ShapeException("QuantizedLinear", "weight " + weight + ", scales " + scales + ", bias " + bias
                    + ": expected [N, K], [N] and [N]", w);
        }
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Layer.requireCount("QuantizedLinear", operands, 1);
        TensorDesc src = operands.getFirst();
        if (src.type() != input.type() || src.shape().rank() != 2 || src.shape().dim(1) != weight.shape().dim(1)) {
            throw new ShapeException("QuantizedLinear", "src " + src + ", weight " + weight + ": src must be " + input.type() + " [M, "
                    + weight.shape().dim(1) + "]", src.shape(), weight.shape());
        }
        return List.of(TensorDesc.of(DataType.F32, src.shape().dim(0), weight.shape().dim(0)));
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
        return (activation == Activation.NONE ? "" : " " + activation) + " " + input;
    }
}
