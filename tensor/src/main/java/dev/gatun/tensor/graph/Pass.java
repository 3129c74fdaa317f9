package dev.gatun.tensor.graph;

import java.lang.foreign.Arena;

/** Rewrites a graph into one that computes the same, faster or in another precision. */
public interface Pass {
    /** As {@code fold-batch-norm}, for messages and {@code --after}. */
    String name();

    /**
     * The rewritten graph.
     *
     * @param temporary owns weights that the pass makes; lives until a program has packed them
     */
    Graph run(Graph graph, Target target, Arena temporary);
}
