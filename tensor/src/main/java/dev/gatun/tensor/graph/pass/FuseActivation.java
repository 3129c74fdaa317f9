package dev.gatun.tensor.graph.pass;

import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Layer;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Pass;
import dev.gatun.tensor.graph.Rewrite;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.EltwiseOp;
import java.lang.foreign.Arena;

/** A function of a product's or convolution's result is computed while the result is in registers. */
public final class FuseActivation implements Pass {
    @Override
    public String name() {
        return "fuse-activation";
    }

    @Override
    public Graph run(Graph graph, Target target, Arena temporary) {
        Rewrite rewrite = new Rewrite(graph);
        for (Node node : graph.nodes()) {
            Node next = node.results().size() == 1 && graph.isUsedOnce(node.result()) ? graph.users(node.result()).getFirst() : null;
            Layer fused = next != null && next.layer() instanceof Apply(EltwiseOp op) ? fuse(node.layer(), op.activation()) : null;
            if (fused != null) {
                rewrite.replace(node, fused, node.operands());
                rewrite.stand(next.result(), node.result());
            } else if (node.results().stream().allMatch(port -> rewrite.map(port).equals(port))) {
                rewrite.keep(node);
            }
        }
        return rewrite.build();
    }

    private static Layer fuse(Layer layer, Activation activation) {
        return switch (layer) {
            // A linear layer's residual is added after its activation.
            case Linear linear when linear.activation() == Activation.NONE && !linear.residual() -> linear.withActivation(activation);
            case Conv conv when conv.activation() == Activation.NONE && !conv.pooled() -> conv.withActivation(activation);
            default -> null;
        };
    }
}
