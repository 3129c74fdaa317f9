package dev.gatun.tensor.graph.pass;

import dev.gatun.tensor.graph.BatchNorm;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Pass;
import dev.gatun.tensor.graph.Rewrite;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.weights.BatchNormFold;
import dev.gatun.tensor.weights.ConvWeights;
import java.lang.foreign.Arena;

/** A batch norm after a convolution goes into its weights and bias. */
public final class FoldBatchNorm implements Pass {
    @Override
    public String name() {
        return "fold-batch-norm";
    }

    @Override
    public Graph run(Graph graph, Target target, Arena temporary) {
        Rewrite rewrite = new Rewrite(graph);
        for (Node node : graph.nodes()) {
            if (node.layer() instanceof Conv conv && !conv.residual() && !conv.pooled() && conv.activation() == Activation.NONE
                    && graph.isUsedOnce(node.result())
                    && graph.users(node.result()).getFirst().layer() instanceof BatchNorm norm) {
                rewrite.replace(node, fold(conv, norm, temporary), node.operands());
                rewrite.stand(graph.users(node.result()).getFirst().result(), node.result());
            } else if (!(node.layer() instanceof BatchNorm) || rewrite.map(node.result()).equals(node.result())) {
                rewrite.keep(node);
            }
        }
        return rewrite.build();
    }

    private static Conv fold(Conv conv, BatchNorm norm, Arena temporary) {
        ConvWeights.Source folded = BatchNormFold.fold(temporary, new ConvWeights.Source(conv.weight().floats(temporary),
                conv.bias() == null ? null : conv.bias().floats(temporary), conv.groups()),
                new BatchNormFold.Parameters(norm.scale().floats(temporary), norm.shift().floats(temporary),
                        norm.mean().floats(temporary), norm.variance().floats(temporary), norm.epsilon()));
        return conv.with(new Weight(conv.weight().name(), folded.weight()), new Weight(norm.shift().name(), folded.bias()));
    }
}
