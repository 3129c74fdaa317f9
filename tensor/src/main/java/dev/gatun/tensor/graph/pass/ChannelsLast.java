package dev.gatun.tensor.graph.pass;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.BatchNorm;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Pass;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Rewrite;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.ReorderOp;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Pictures are channels-last from the first convolution to the last, rather than in what layout each kernel likes best: they are reordered
 * only where they come in, and where they leave what keeps the layout. A first convolution over few planes takes them as they are.
 */
public final class ChannelsLast implements Pass {
    /** So few channels are not worth a reorder: a vector of them would be mostly empty. */
    private static final long FEW_CHANNELS = 4;

    @Override
    public String name() {
        return "channels-last";
    }

    @Override
    public Graph run(Graph graph, Target target, Arena temporary) {
        Rewrite rewrite = new Rewrite(graph);
        Set<Port> last = new HashSet<>();
        Map<Port, Port> reordered = new HashMap<>();
        for (Node node : graph.nodes()) {
            if (node.layer() instanceof Conv conv && conv.window().rank() == 2 && conv.layout() == MemoryFormat.ANY) {
                boolean few = conv.weight().shape().dim(1) * conv.groups() <= FEW_CHANNELS;
                Port src = node.operands().getFirst();
                Port source = few ? src : inLast(rewrite, last, reordered, src);
                List<Port> operands = conv.residual() ? List.of(source, residual(rewrite, last, node)) : List.of(source);
                rewrite.replace(node, conv.withLayout(MemoryFormat.CHANNELS_LAST), operands);
                last.add(node.result());
            } else {
                rewrite.keep(node);
                if (keepsLayout(node) && last.containsAll(node.operands())) {
                    last.add(node.result());
                }
            }
        }
        return rewrite.build();
    }

    private static Port inLast(Rewrite rewrite, Set<Port> last, Map<Port, Port> reordered, Port port) {
        return last.contains(port) ? port : reordered.computeIfAbsent(port, p -> reorder(rewrite, "channels-last." + p.id(), p));
    }

    /** A residual is overwritten, so that each has a copy of its own. */
    private static Port residual(Rewrite rewrite, Set<Port> last, Node node) {
        Port residual = node.operands().get(1);
        return last.contains(residual) ? residual : reorder(rewrite, node.name() + ".residual", residual);
    }

    private static Port reorder(Rewrite rewrite, String name, Port port) {
        return rewrite.add(name, new Apply(new ReorderOp(DataType.F32, MemoryFormat.CHANNELS_LAST)), List.of(port));
    }

    private static boolean keepsLayout(Node node) {
        return switch (node.layer()) {
            case BatchNorm _ -> true;
            case Apply apply -> apply.op() instanceof PoolOp || apply.op() instanceof EltwiseOp || apply.op() instanceof BinaryOp;
            default -> false;
        };
    }
}
