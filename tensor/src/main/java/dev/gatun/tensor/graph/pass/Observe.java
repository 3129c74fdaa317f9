package dev.gatun.tensor.graph.pass;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Pass;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.QuantizedConv;
import dev.gatun.tensor.graph.QuantizedLinear;
import dev.gatun.tensor.graph.Range;
import dev.gatun.tensor.graph.Rewrite;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.op.Op;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.ReorderOp;
import dev.gatun.tensor.op.ScaledReorderOp;
import java.lang.foreign.Arena;
import java.util.List;

/**
 * The result of every convolution and linear layer is an output too, as row-major F32 under the layer's name, and the source of every
 * linear layer under its name and {@code .input}: for calibration, and for finding out which layer loses precision. What is observed is
 * what the layer computes after {@link FuseResidual} and {@link FuseActivation}, before it is pooled; bytes are shown as what they
 * are worth.
 */
public final class Observe implements Pass {
    private static final String INPUT = ".input";

    @Override
    public String name() {
        return "observe";
    }

    @Override
    public Graph run(Graph graph, Target target, Arena temporary) {
        Rewrite rewrite = new Rewrite(graph);
        for (Node node : graph.nodes()) {
            switch (node.layer()) {
                case Conv conv when conv.pooled() -> {
                    Port all = rewrite.add(node.name(), conv.withoutPool(), node.operands());
                    show(rewrite, node.name(), all, null);
                    rewrite.add(node, node.name() + ".pool", new Apply(PoolOp.max(2)), List.of(all));
                }
                case Conv _ when isRounded(graph, node) -> rewrite.keep(node);
                case Conv _ -> keep(rewrite, node, null);
                case QuantizedConv conv -> keep(rewrite, node, conv.output());
                case Linear _ -> {
                    show(rewrite, node.name() + INPUT, node.operands().getFirst(), null);
                    keep(rewrite, node, null);
                }
                case QuantizedLinear linear -> {
                    show(rewrite, node.name() + INPUT, node.operands().getFirst(), linear.input());
                    keep(rewrite, node, null);
                }
                case Apply(ScaledReorderOp op) when isRounding(graph, node, op) -> {
                    rewrite.keep(node);
                    show(rewrite, graph.producer(node.operands().getFirst()).name(), node.result(),
                            new Range(op.dstScale(), op.type() == DataType.S8));
                }
                default -> rewrite.keep(node);
            }
        }
        return rewrite.build();
    }

    /** Whether all that is read of a convolution is its result rounded to bytes. */
    private static boolean isRounded(Graph graph, Node conv) {
        return graph.isUsedOnce(conv.result()) && graph.users(conv.result()).getFirst().layer() instanceof Apply(ScaledReorderOp op)
                && op.type() != DataType.F32;
    }

    private static boolean isRounding(Graph graph, Node node, ScaledReorderOp op) {
        Node producer = graph.producer(node.operands().getFirst());
        return op.type() != DataType.F32 && producer != null && producer.layer() instanceof Conv conv && !conv.pooled()
                && isRounded(graph, producer);
    }

    private static void keep(Rewrite rewrite, Node node, Range range) {
        rewrite.keep(node);
        show(rewrite, node.name(), node.result(), range);
    }

    /** A copy, because the value itself may be overwritten by what follows. */
    private static void show(Rewrite rewrite, String name, Port port, Range range) {
        Op copy = range == null ? new ReorderOp(DataType.F32, MemoryFormat.ROW_MAJOR)
                : ScaledReorderOp.dequantize(MemoryFormat.ROW_MAJOR, range.scale());
        rewrite.output(name, rewrite.add("observe." + name, new Apply(copy), List.of(port)));
    }
}
