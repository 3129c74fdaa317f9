package dev.gatun.tensor.graph.pass;

import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Pass;
import dev.gatun.tensor.graph.Rewrite;
import dev.gatun.tensor.graph.Target;
import java.lang.foreign.Arena;

/** A layer norm of embeddings is computed while their rows are in registers. */
public final class FuseEmbeddingNorm implements Pass {
    @Override
    public String name() {
        return "fuse-embedding-norm";
    }

    @Override
    public Graph run(Graph graph, Target target, Arena temporary) {
        Rewrite rewrite = new Rewrite(graph);
        for (Node node : graph.nodes()) {
            boolean fits = node.layer() instanceof LayerNorm norm && !norm.rms() && !node.operands().isEmpty();
            Node before = fits ? graph.producer(node.operands().getFirst()) : null;
            if (before != null && before.layer() instanceof Embedding embedding && embedding.norm() == null
                    && graph.isUsedOnce(before.result())) {
                rewrite.replace(node, embedding.withNorm((LayerNorm) node.layer()), before.operands());
            } else {
                rewrite.keep(node);
            }
        }
        return rewrite.build();
    }
}
