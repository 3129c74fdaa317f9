package dev.gatun.tensor.graph;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.PagedAttentionOp;
import java.util.List;

/**
 * Attention over a cache whose scores depend on the distance from query to key, as in T5's decoder. Operands and result are
 * {@link PagedAttentionOp}'s.
 *
 * @param op        parameters, without distances
 * @param distances [numHeads or 1, 2 * reach + 1], see {@link Distances}
 */
public record PagedAttention(PagedAttentionOp op, Weight distances) implements Layer {

    /** Checks the shape. */
    public PagedAttention {
        AttentionOp.requireDistances(op.numHeads(), TensorDesc.of(DataType.F32, distances.shape().dims()));
    }

    /** The same with query, key and value side by side. */
    public PagedAttention joined() {
        return new PagedAttention(op.joined(), distances);
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        return op.results(operands);
    }

    @Override
    public List<Weight> weights() {
        return List.of(distances);
    }

    @Override
    public String attributes() {
        return new Apply(op).attributes();
    }
}
