package dev.gatun.models.train;

import dev.gatun.bindings.kernels.TrainSequences;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.Attention;
import dev.gatun.tensor.graph.BatchNorm;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.Layer;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Recurrent;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AdaptivePoolOp;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.NormalizeOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.RecurrentOp;
import dev.gatun.tensor.op.SequencePoolOp;
import dev.gatun.tensor.op.SoftmaxOp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The rules of a node, between its values.
 *
 * @param arena      owns what rules keep
 * @param parameters by weight
 * @param x          operands
 * @param dx         their gradients; an element is null if nobody wants it
 * @param y          results
 * @param dy         their gradients
 */
record Rules(Arena arena, Map<Weight, Parameter> parameters, List<Tensor> x, MemorySegment[] dx, List<Tensor> y, MemorySegment[] dy) {

    /** @throws IllegalArgumentException if the layer cannot be trained */
    List<Rule> of(Layer layer) {
        Rule rule = switch (layer) {
            case Linear linear when linear.parts().size() == 1 && !linear.parts().getFirst().inOut() && plain(linear.activation())
                    && linear.scale() == 1 && !linear.residual() -> new LinearRule(arena, of(linear.parts().getFirst().weight()),
                            of(linear.parts().getFirst().bias()), x(0), y(0), dx[0], dy[0]);
            case Conv conv when plain(conv.activation()) && !conv.residual() && !conv.pooled() -> new ConvRule(arena, conv,
                    of(conv.weight()), of(conv.bias()), x.get(0), y.get(0), dx[0], dy[0]);
            case BatchNorm norm -> new BatchNormRule(arena, new BatchNormRule.Weights(of(norm.scale()), of(norm.shift()), of(norm.mean()),
                    of(norm.variance())), norm.epsilon(), x.get(0).shape().dim(0), x(0), y(0), dx[0], dy[0]);
            case LayerNorm norm -> norm(norm, x(0), y(0), dx[0], dy[0]);
            case Embedding embedding -> embedding(embedding);
            case Attention attention when attention.positions() == null -> attention(attention.op(), attention.distances());
            case Apply(AttentionOp attention) -> attention(attention, null);
            case Apply(PoolOp pool) when pool.window().rank() <= 2 -> new PoolRule(arena, pool.kind(), PoolRule.windows(pool,
                    x.get(0).shape(), y.get(0).shape()), x(0), y(0), dx[0], dy[0]);
            case Apply(AdaptivePoolOp pool) -> new PoolRule(arena, pool.maximum() ? PoolOp.Kind.MAX : PoolOp.Kind.AVERAGE,
                    PoolRule.shares(x.get(0).shape(), y.get(0).shape()), x(0), y(0), dx[0], dy[0]);
            case Apply(BinaryOp binary) when plain(binary.activation()) -> new BinaryRule(arena, binary.operator(), x, y(0), dx, dy[0]);
            case Apply(SoftmaxOp softmax) -> new SoftmaxRule(arena, x.get(0).shape(), softmax.axis(), softmax.log(), x(0), y(0), dx[0],
                    dy[0]);
            case Apply(SequencePoolOp pool) -> new SequencePoolRule(arena, pool, x.get(0).shape().dim(1), x.get(1), x(0), y(0), dx[0],
                    dy[0]);
            case Apply(NormalizeOp _) -> new UnitRule(x.get(0).shape().dim(1), x(0), y(0), dx[0], dy[0]);
            case Apply(EltwiseOp eltwise) -> new ElementRule(arena, eltwise.activation(), x(0), y(0), dx[0], dy[0]);
            case Apply(FlattenOp _) -> new ElementRule(arena, Activation.NONE, x(0), y(0), dx[0], dy[0]);
            case Recurrent recurrent when recurrent.states() != RecurrentOp.States.KEPT -> null;
            default -> throw new IllegalArgumentException(layer.kind() + layer.attributes() + " cannot be trained: docs/training.md lists "
                    + "the layers that can");
        };
        return rule == null ? recurrent((Recurrent) layer) : List.of(rule);
    }

    private static boolean plain(Activation activation) {
        return activation == Activation.NONE;
    }

    private Parameter of(Weight weight) {
        return weight == null ? null : parameters.get(weight);
    }

    private MemorySegment x(int i) {
        return x.get(i).segment();
    }

    private MemorySegment y(int i) {
        return y.get(i).segment();
    }

    private NormRule norm(LayerNorm norm, MemorySegment from, MemorySegment to, MemorySegment dFrom, MemorySegment dTo) {
        return new NormRule(arena, new NormRule.Kind(norm.epsilon(), norm.rms(), norm.offset()), of(norm.gamma()), of(norm.beta()), from,
                to, dFrom, dTo);
    }

    private Rule embedding(Embedding embedding) {
        List<EmbeddingRule.Table> tables = new ArrayList<>();
        int next = 0;
        tables.add(new EmbeddingRule.Table(of(embedding.words()), x.get(next++), embedding.scale()));
        if (embedding.positions() != null) {
            tables.add(new EmbeddingRule.Table(of(embedding.positions()), x.get(next++), 1));
        }
        if (embedding.types() != null) {
            tables.add(new EmbeddingRule.Table(of(embedding.types()), embedding.typeIds() ? x.get(next) : null, 1));
        }
        return new EmbeddingRule(arena, tables.toArray(EmbeddingRule.Table[]::new), embedding.norm() == null ? null
                : (sum, dSum) -> norm(embedding.norm(), sum, y(0), dSum, dy[0]), y(0), dy[0]);
    }

    private Rule attention(AttentionOp op, Weight table) {
        AttentionOp.At at = AttentionOp.At.of(op, x.stream().map(Tensor::desc).toList());
        long width = (long) op.numHeads() * op.headDim();
        long kvWidth = (long) op.numKvHeads() * op.headDim();
        long key = op.source() == AttentionOp.Source.PACKED ? width : 0;
        long value = op.source() == AttentionOp.Source.SEPARATE ? 0 : key + kvWidth;
        return new AttentionRule(arena, op, new AttentionRule.Operands(new TrainSequences.View[] {view(0, 0), view(at.key(), key),
                view(at.value(), value)}, x.get(at.querySequences()), x.get(at.keySequences()), at.mask() < 0 ? null : x.get(at.mask()),
                at.padding() < 0 ? null : x.get(at.padding()), distances(table)), y(0), dy[0]);
    }

    private TrainSequences.Distances distances(Weight table) {
        if (table == null) {
            return null;
        }
        boolean constant = table.origin() != null && table.origin().table() == null;
        long columns = table.shape().dim(1);
        return new TrainSequences.Distances(of(table).value().segment(), constant ? null : of(table).gradient().segment(),
                table.shape().dim(0) == 1 ? 0 : columns, columns / 2);
    }

    private TrainSequences.View view(int operand, long first) {
        long from = first * Float.BYTES;
        return new TrainSequences.View(x(operand).asSlice(from), dx[operand] == null ? null : dx[operand].asSlice(from),
                x.get(operand).shape().dim(1));
    }

    /** A rule for each direction; together they fill the results. */
    private List<Rule> recurrent(Recurrent layer) {
        List<Rule> rules = new ArrayList<>();
        int directions = layer.directions().size();
        boolean cells = y.size() > 2;
        for (int d = 0; d < directions; d++) {
            Recurrent.Direction direction = layer.directions().get(d);
            long width = direction.state().shape().dim(1);
            RecurrentRule.Weights weights = new RecurrentRule.Weights(gates(direction.input(), layer.order(), rules),
                    gates(direction.state(), layer.order(), rules), gates(direction.inputBias(), layer.order(), rules),
                    gates(direction.stateBias(), layer.order(), rules), of(direction.projection()));
            rules.add(new RecurrentRule(arena, layer.cell(), direction.reverse(), weights, x(0), dx[0], x.get(1),
                    new RecurrentRule.Results(y(0), dy[0], directions * width, d * width, part(y(1), d, directions),
                            part(dy[1], d, directions), cells ? part(y(2), d, directions) : null,
                            cells ? part(dy[2], d, directions) : null), given(2, d, directions), given(3, d, directions)));
        }
        return rules;
    }

    /** A parameter with its gates in PyTorch's order, of a file that has another by a rule that copies it there and its gradient back. */
    private Parameter gates(Weight weight, List<Integer> order, List<Rule> rules) {
        Parameter own = of(weight);
        if (own == null || order.equals(IntStream.range(0, order.size()).boxed().toList())) {
            return own;
        }
        TensorDesc desc = own.value().desc();
        Parameter sorted = new Parameter(own.name(), Tensor.of(desc, Rule.floats(arena, desc.shape().elementCount())), Tensor.of(desc,
                Rule.floats(arena, desc.shape().elementCount())), null, false);
        rules.add(new GateOrderRule(own, sorted, order));
        return sorted;
    }

    /** A direction's part of a first state, or null where sequences begin with zeros. */
    private RecurrentRule.First given(int operand, int d, int directions) {
        return x.size() <= operand ? null : new RecurrentRule.First(part(x(operand), d, directions),
                dx[operand] == null ? null : part(dx[operand], d, directions));
    }

    private static MemorySegment part(MemorySegment all, int d, int directions) {
        long bytes = all.byteSize() / directions;
        return all.asSlice(d * bytes, bytes);
    }
}
