package dev.gatun.tensor.graph;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.AttentionOp;
import java.util.List;

/**
 * Attention whose scores are added to by the distance from query to key: T5's and MPNet's buckets, ALiBi. Without them attention is applied
 * as it is. Operands and result are {@link AttentionOp}'s.
 *
 * @param op        parameters, without distances
 * @param distances [numHeads or 1, 2 * reach + 1], see {@link Distances}
 */
public record Attention(AttentionOp op, Weight distances) implements Layer {

    /** Checks the shape. */
    public Attention {
        AttentionOp.requireDistances(op.numHeads(), TensorDesc.of(DataType.F32, distances.shape().dims()));
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
