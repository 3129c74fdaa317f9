package dev.gatun.tensor.graph;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.AttentionOp;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Attention whose scores depend on the distance from query to key: T5's and MPNet's buckets, ALiBi, DeBERTa's positions. Without them
 * attention is applied as it is. Operands and result are {@link AttentionOp}'s.
 *
 * @param op        parameters, without distances and positions
 * @param distances [numHeads or 1, 2 * reach + 1], see {@link Distances}; or null
 * @param positions what queries and keys are multiplied with, or null
 */
public record Attention(AttentionOp op, Weight distances, Disentangled positions) implements Layer {

    /** Checks the shapes. */
    public Attention {
        if (distances != null) {
            AttentionOp.requireDistances(op.numHeads(), TensorDesc.of(DataType.F32, distances.shape().dims()));
        }
        long columns = (long) op.numHeads() * op.headDim();
        if (positions != null && positions.tables().anyMatch(table -> table.shape().dim(1) != columns)) {
            throw new ShapeException("Attention", "positions " + positions.tables().toList() + " must have " + columns + " columns",
                    positions.tables().findFirst().orElseThrow().shape());
        }
    }

    /** Without positions. */
    public Attention(AttentionOp op, Weight distances) {
        this(op, distances, null);
    }

    /** The same with operands that arrive otherwise. */
    public Attention withSource(AttentionOp.Source source) {
        return new Attention(op.withSource(source), distances, positions);
    }

    AttentionOp pack(WeightPack pack) {
        AttentionOp packed = distances == null ? op : op.withDistances(pack.table(distances));
        return positions == null ? packed : packed.withPositions(positions.pack(pack));
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        return op.results(operands);
    }

    @Override
    public List<Weight> weights() {
        return Stream.concat(Stream.of(distances), positions == null ? Stream.of() : positions.tables()).filter(Objects::nonNull).toList();
    }

    @Override
    public String attributes() {
        return new Apply(op).attributes();
    }
}
