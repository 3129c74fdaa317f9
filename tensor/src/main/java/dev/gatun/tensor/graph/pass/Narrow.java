package dev.gatun.tensor.graph.pass;

import dev.gatun.tensor.Precision;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Narrowing;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Pass;
import dev.gatun.tensor.graph.Recurrent;
import dev.gatun.tensor.graph.Rewrite;
import dev.gatun.tensor.graph.Target;
import java.lang.foreign.Arena;

/**
 * Linear and recurrent layers get the target's precision, but those that {@link Narrowing} leaves out. Weights are rounded when they are
 * packed.
 */
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
            Narrowing narrowing = Narrowing.choose(node, target.precision());
            switch (node.layer()) {
                case Linear linear when narrowing != null -> rewrite.replace(node, linear.withPrecision(narrowing.taken()),
                        node.operands());
                case Recurrent recurrent -> rewrite.replace(node, recurrent.withPrecision(narrowing.taken()), node.operands());
                default -> rewrite.keep(node);
            }
        }
        return rewrite.build();
    }
}
