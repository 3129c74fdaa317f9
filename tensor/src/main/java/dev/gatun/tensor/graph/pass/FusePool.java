package dev.gatun.tensor.graph.pass;

import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Pass;
import dev.gatun.tensor.graph.Rewrite;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.op.PoolOp;
import java.lang.foreign.Arena;

/** The largest of each two by two results of a convolution is found before they are written. */
public final class FusePool implements Pass {
    @Override
    public String name() {
        return "fuse-pool";
    }

    @Override
    public Graph run(Graph graph, Target target, Arena temporary) {
        Rewrite rewrite = new Rewrite(graph);
        for (Node node : graph.nodes()) {
            Node next = node.results().size() == 1 && graph.isUsedOnce(node.result()) ? graph.users(node.result()).getFirst() : null;
            if (next != null && next.layer() instanceof Apply(PoolOp pool) && pool.isMaxOfTwoByTwo() && node.layer() instanceof Conv conv
                    && !conv.residual() && !conv.pooled() && conv.window().rank() == 2) {
                rewrite.replace(node, conv.withPool(), node.operands());
                rewrite.stand(next.result(), node.result());
            } else if (node.results().stream().allMatch(port -> rewrite.map(port).equals(port))) {
                rewrite.keep(node);
            }
        }
        return rewrite.build();
    }
}
