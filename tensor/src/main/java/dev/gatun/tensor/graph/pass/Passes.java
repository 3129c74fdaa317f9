package dev.gatun.tensor.graph.pass;

import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Pass;
import dev.gatun.tensor.graph.Target;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.Stream;

/** The passes that every program runs, in their order. */
public final class Passes {
    /** Norms first, because they hide what follows them; residuals before activations, which a convolution applies last. */
    public static final List<Pass> FUSION = List.of(new FoldBatchNorm(), new FuseEmbeddingNorm(), new JoinProjections(),
            new FuseResidual(), new FuseActivation(), new FusePool());

    /** Those that change numbers, after the others: none unless the target says so. */
    private static final List<Pass> PRECISION = List.of(new Narrow());

    private static final List<Pass> ALL = Stream.concat(FUSION.stream(), PRECISION.stream()).toList();

    private Passes() {
    }

    /** The graph after all of them; fused only if the target wants it. */
    public static Graph run(Graph graph, Target target, Arena temporary) {
        Graph result = graph;
        for (Pass pass : target.passes() ? ALL : PRECISION) {
            result = pass.run(result, target, temporary);
        }
        return result;
    }

    /**
     * The graph after the passes up to one.
     *
     * @param last its name
     * @throws IllegalArgumentException if there is none of this name
     */
    public static Graph runUntil(Graph graph, Target target, Arena temporary, String last) {
        Graph result = graph;
        for (Pass pass : ALL) {
            result = pass.run(result, target, temporary);
            if (pass.name().equals(last)) {
                return result;
            }
        }
        throw new IllegalArgumentException("no pass " + last + ", only " + ALL.stream().map(Pass::name).toList());
    }
}
