package dev.gatun.tensor.graph;

import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.ByteConvOp;
import java.util.List;

/**
 * A convolution or linear layer over bytes, with any zero points, exact.
 *
 * @param op with weights that are packed already, and belong to the model's arena
 */
public record ByteConv(ByteConvOp op) implements Layer {

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        return op.results(operands);
    }

    @Override
    public List<Weight> weights() {
        return List.of();
    }

    @Override
    public String attributes() {
        return " " + op.filters().shape() + (op.window() == null ? "" : " " + op.window()) + " -> " + op.result();
    }
}
