package dev.gatun.tensor.graph.pass;

import dev.gatun.tensor.Precision;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Narrowing;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Pass;
import dev.gatun.tensor.graph.Rewrite;
import dev.gatun.tensor.graph.Target;
import java.lang.foreign.Arena;

/** Linear layers get the target's precision, but those that {@link Narrowing} leaves out. Weights are rounded when they are packed. */
public final class Narrow implements Pass {
    @Override
    public String name() {
        return "narrow";
    }

    @Override
    public Graph run(Graph graph, Target target, Arena temporary) {
        if (target.precision() == Precision.F32) {
            return graph;
        }
        Rewrite rewrite = new Rewrite(graph);
        for (Node node : graph.nodes()) {
            if (node.layer() instanceof Linear linear) {
                rewrite.replace(node, linear.withPrecision(Narrowing.choose(node.name(), linear, target.precision()).taken()),
                        node.operands());
            } else {
                rewrite.keep(node);
            }
        }
        return rewrite.build();
    }
}
