package dev.gatun.tensor.graph.pass;

import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.Attention;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Layer;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.PagedAttention;
import dev.gatun.tensor.graph.Pass;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Rewrite;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.KvStoreOp;
import dev.gatun.tensor.op.PagedAttentionOp;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Query, key and value of one source, or key and value of another, are one product. */
public final class JoinProjections implements Pass {
    @Override
    public String name() {
        return "join-projections";
    }

    @Override
    public Graph run(Graph graph, Target target, Arena temporary) {
        Rewrite rewrite = new Rewrite(graph);
        for (Node node : graph.nodes()) {
            boolean joined = switch (node.layer()) {
                case Attention attention -> join(graph, rewrite, node, attention.op(), attention::withSource);
                case Apply(AttentionOp op) -> join(graph, rewrite, node, op, source -> new Apply(op.withSource(source)));
                case Apply(PagedAttentionOp paged) -> paged.append() == PagedAttentionOp.Append.SEPARATE
                        && joinAll(graph, rewrite, node, 3, new Apply(paged.joined()));
                case PagedAttention paged -> paged.op().append() == PagedAttentionOp.Append.SEPARATE
                        && joinAll(graph, rewrite, node, 3, paged.joined());
                case Apply(KvStoreOp store) -> !store.joined() && joinAll(graph, rewrite, node, 2, new Apply(store.withJoined()));
                default -> false;
            };
            if (!joined) {
                rewrite.keep(node);
            }
        }
        return rewrite.build();
    }

    private static boolean join(Graph graph, Rewrite rewrite, Node node, AttentionOp op, Function<AttentionOp.Source, Layer> from) {
        if (op.source() != AttentionOp.Source.SEPARATE) {
            return false;
        }
        List<Port> operands = node.operands();
        if (operands.get(3).equals(operands.get(4)) && joinable(graph, operands.subList(0, 3))) {
            List<Port> rest = new ArrayList<>(operands.subList(4, operands.size()));
            rest.addFirst(product(graph, rewrite, operands.subList(0, 3)));
            rewrite.replace(node, from.apply(AttentionOp.Source.PACKED), rest);
            return true;
        }
        if (joinable(graph, operands.subList(1, 3))) {
            List<Port> rest = new ArrayList<>(operands.subList(3, operands.size()));
            rest.addFirst(product(graph, rewrite, operands.subList(1, 3)));
            rest.addFirst(operands.get(0));
            rewrite.replace(node, from.apply(AttentionOp.Source.KEY_VALUE), rest);
            return true;
        }
        return false;
    }

    /** The first operands become one. */
    private static boolean joinAll(Graph graph, Rewrite rewrite, Node node, int count, Layer layer) {
        if (!joinable(graph, node.operands().subList(0, count))) {
            return false;
        }
        List<Port> rest = new ArrayList<>(node.operands().subList(count, node.operands().size()));
        rest.addFirst(product(graph, rewrite, node.operands().subList(0, count)));
        rewrite.replace(node, layer, rest);
        return true;
    }

    /** Whether all are plain products of one source that nobody else reads. */
    private static boolean joinable(Graph graph, List<Port> ports) {
        Node first = graph.producer(ports.getFirst());
        return ports.stream().map(graph::producer).allMatch(node -> joins(graph, node) && node.operands().equals(first.operands())
                && ((Linear) node.layer()).isOfBytes() == ((Linear) first.layer()).isOfBytes());
    }

    private static Port product(Graph graph, Rewrite rewrite, List<Port> ports) {
        List<Linear.Part> parts = new ArrayList<>();
        for (Port port : ports) {
            parts.addAll(((Linear) graph.producer(port).layer()).parts());
        }
        Node first = graph.producer(ports.getFirst());
        return rewrite.add(first.name() + "+" + (ports.size() - 1), new Linear(parts, Activation.NONE, 1f, false), first.operands());
    }

    private static boolean joins(Graph graph, Node node) {
        return node != null && node.layer() instanceof Linear linear && linear.activation() == Activation.NONE && linear.scale() == 1f
                && !linear.residual() && graph.isUsedOnce(node.result());
    }
}
