package dev.gatun.tensor.graph;

import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.BatchNormOp;
import dev.gatun.tensor.op.ConvOp;
import dev.gatun.tensor.op.ConvPoolOp;
import dev.gatun.tensor.op.EmbeddingOp;
import dev.gatun.tensor.op.Int8ConvOp;
import dev.gatun.tensor.op.Int8LinearOp;
import dev.gatun.tensor.op.LayerNormOp;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.op.Op;
import dev.gatun.tensor.op.RecurrentOp;
import dev.gatun.tensor.op.ReorderOp;
import dev.gatun.tensor.op.RotaryOp;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A graph with its weights packed for the kernels: what plans are compiled from. Immutable, shared by threads; native memory belongs to the
 * arena that it was made in.
 */
public final class Lowering {
    private final Graph graph;
    private final List<Op> ops = new ArrayList<>();
    private final List<Narrowing> narrowings = new ArrayList<>();

    /**
     * Packs the weights.
     *
     * @param graph  after the passes
     * @param target how it will be run
     * @param pack   of the program; layers that share weights share what is packed
     * @param temporary owns what is widened; lives until the first plan is compiled
     */
    public Lowering(Graph graph, Target target, WeightPack pack, Arena temporary) {
        this.graph = graph;
        for (Node node : graph.nodes()) {
            try {
                ops.add(op(node.layer(), target, pack, temporary));
                Narrowing narrowing = Narrowing.choose(node, target.precision());
                if (narrowing != null && target.precision() != Precision.F32) {
                    narrowings.add(narrowing.measured(node.layer() instanceof Linear linear ? pack.linear(linear, target).lost()
                            : pack.recurrent((Recurrent) node.layer()).lost()));
                }
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(graph.name() + ": " + node.name() + ": " + e.getMessage(), e);
            }
        }
    }

    private static Op op(Layer layer, Target target, WeightPack pack, Arena temporary) {
        return switch (layer) {
            case Apply apply -> apply.op();
            case ByteConv conv -> conv.op();
            case Linear linear -> new LinearOp(pack.linear(linear, target).weights(), linear.activation(), linear.scale(),
                    linear.residual());
            case Conv conv -> {
                ConvOp op = new ConvOp(pack.conv(conv, temporary), conv.window(), conv.activation(), conv.residual(), conv.layout());
                yield conv.pooled() ? new ConvPoolOp(op) : op;
            }
            case BatchNorm norm -> new BatchNormOp(pack.affine(norm, temporary), Activation.NONE);
            case LayerNorm norm -> new LayerNormOp(pack.norm(norm));
            case Attention attention -> attention.pack(pack);
            case PagedAttention paged -> paged.op().withDistances(pack.table(paged.distances()));
            case Rotary rotary -> new RotaryOp(rotary.heads(), table(pack, rotary.table()), table(pack, rotary.queryNorm()),
                    table(pack, rotary.keyNorm()), rotary.epsilon());
            case Embedding embedding -> new EmbeddingOp(pack.words(embedding.words(), target.precision()),
                    table(pack, embedding.positions()), table(pack, embedding.types()), embedding.typeIds(),
                    embedding.norm() == null ? null : pack.norm(embedding.norm()),
                    embedding.scale());
            case Recurrent recurrent -> new RecurrentOp(pack.recurrent(recurrent).weights(), recurrent.states());
            case QuantizedConv conv -> new Int8ConvOp(pack.bytes(conv.weight(), conv.scales(), conv.bias()), conv.window(),
                    conv.activation(),
                    conv.input().scale(), conv.residual() == null ? 0 : conv.residual().scale(), conv.output().type(),
                            conv.output().scale());
            case QuantizedLinear linear -> new Int8LinearOp(pack.bytes(linear.weight(), linear.scales(), linear.bias()),
                    linear.activation(),
                    linear.input().scale());
        };
    }

    private static Tensor table(WeightPack pack, Weight weight) {
        return weight == null ? null : pack.table(weight);
    }

    /** Whether weights are packed from the checkpoint when a plan is first compiled, rather than before. */
    public boolean packsWhenCompiled() {
        return graph.nodes().stream().anyMatch(node -> node.layer() instanceof Conv);
    }

    /** What became of each linear and recurrent layer; empty in F32. */
    public List<Narrowing> narrowings() {
        return Collections.unmodifiableList(narrowings);
    }

    /** What is computed. */
    public Graph graph() {
        return graph;
    }

    /** What leaves the graph is row-major, whatever layout its last kernel liked. */
    private static Value rowMajor(PlanBuilder plan, String name, Value value) {
        return value.desc().isRowMajor() ? value : plan.add(name, new ReorderOp(value.desc().type(), MemoryFormat.ROW_MAJOR), value);
    }

    /**
     * Compiles for some sizes.
     *
     * @param lifetime of the program
     * @param arena    owns what is compiled
     * @param threads  that each operation uses
     * @throws dev.gatun.tensor.ShapeException if the sizes do not fit; the message names the node
     */
    public Plan compile(Sizes sizes, Lifetime lifetime, Arena arena, int threads) {
        PlanBuilder plan = new PlanBuilder(graph.name() + "[" + sizes + (sizes.byName().isEmpty() ? "" : ", ") + threads + " threads]",
                lifetime, arena, threads);
        Map<Port, Value> values = new HashMap<>();
        graph.inputs().forEach((name, source) -> values.put(source.port(), plan.input(name, source.spec().at(sizes))));
        graph.states().forEach((name, source) -> values.put(source.port(), plan.state(name, source.spec().at(sizes))));
        for (int i = 0; i < ops.size(); i++) {
            Node node = graph.nodes().get(i);
            List<Value> results = plan.addAll(node.name(), ops.get(i), node.operands().stream().map(values::get).toArray(Value[]::new));
            for (int r = 0; r < results.size(); r++) {
                values.put(node.results().get(r), results.get(r));
            }
        }
        graph.outputs().forEach((name, port) -> plan.output(name, rowMajor(plan, name, values.get(port))));
        return plan.build();
    }
}
