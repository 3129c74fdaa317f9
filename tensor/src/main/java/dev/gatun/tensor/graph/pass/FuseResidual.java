package dev.gatun.tensor.graph.pass;

import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Layer;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Pass;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Rewrite;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.ReshapeOp;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The sum of a product's or convolution's result and something else of the same shape is part of the product. A convolution writes over
 * its residual, so that nothing may read that later, and the convolution itself must not.
 */
public final class FuseResidual implements Pass {
    @Override
    public String name() {
        return "fuse-residual";
    }

    @Override
    public Graph run(Graph graph, Target target, Arena temporary) {
        Rewrite rewrite = new Rewrite(graph);
        Map<String, Long> doubled = new HashMap<>(graph.typicalSizes().byName());
        doubled.replaceAll((name, size) -> 2 * size);
        // What is the same for one set of sizes only is repeated for others.
        List<Map<Port, TensorDesc>> descs = List.of(graph.infer(graph.typicalSizes()), graph.infer(new Sizes(doubled)));
        for (Node node : graph.nodes()) {
            if (!isSum(node) || !descs.stream().allMatch(found -> sameShapes(found, node.operands()))
                    || !fuse(graph, rewrite, node, 0) && !fuse(graph, rewrite, node, 1)) {
                rewrite.keep(node);
            }
        }
        return rewrite.build();
    }

    private static boolean sameShapes(Map<Port, TensorDesc> descs, List<Port> two) {
        return descs.get(two.get(0)).shape().equals(descs.get(two.get(1)).shape());
    }

    private static boolean isSum(Node node) {
        return node.layer() instanceof Apply apply && apply.op() instanceof BinaryOp op && op.operator() == BinaryOp.Operator.ADD
                && op.activation() == Activation.NONE && !node.operands().get(0).equals(node.operands().get(1));
    }

    private static boolean fuse(Graph graph, Rewrite rewrite, Node sum, int at) {
        Port product = sum.operands().get(at);
        Port other = sum.operands().get(1 - at);
        Node producer = graph.producer(product);
        if (producer == null || !graph.isUsedOnce(product)) {
            return false;
        }
        Layer fused = switch (producer.layer()) {
            case Linear linear when !linear.residual() -> linear.withResidual();
            case Conv conv when !conv.residual() && !conv.pooled() && conv.activation() == Activation.NONE
                    && !producer.operands().contains(other) && isLast(graph, sum, other) -> conv.withResidual();
            default -> null;
        };
        if (fused == null) {
            return false;
        }
        List<Port> operands = new ArrayList<>(producer.operands());
        operands.add(other);
        rewrite.add(sum, producer.name(), fused, operands);
        return true;
    }

    /** Whether a value is a node's own, and the sum is the last to read it, even if products move to the sums that they are fused into. */
    private static boolean isLast(Graph graph, Node sum, Port value) {
        if (graph.producer(value) == null || graph.outputs().containsValue(value)) {
            return false;
        }
        int at = graph.nodes().indexOf(sum);
        for (Node user : graph.users(value)) {
            // May show the same memory, and be read later.
            if (user.layer() instanceof Apply apply && (apply.op() instanceof FlattenOp || apply.op() instanceof ReshapeOp)) {
                return false;
            }
            boolean moves = user != sum && user.results().size() == 1 && graph.isUsedOnce(user.result());
            Node reader = moves && isSum(graph.users(user.result()).getFirst()) ? graph.users(user.result()).getFirst() : user;
            if (graph.nodes().indexOf(reader) > at) {
                return false;
            }
        }
        return true;
    }
}
