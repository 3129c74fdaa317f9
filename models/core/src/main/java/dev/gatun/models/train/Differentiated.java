package dev.gatun.models.train;

import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.PoolOp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A graph for one batch size: its values, their gradients, and the rules between them. Owned by its trainer's arena. */
final class Differentiated {
    private final Graph graph;
    private final Map<Port, Tensor> values = new HashMap<>();
    private final Map<Port, Tensor> gradients = new HashMap<>();
    private final List<Rule> rules = new ArrayList<>();
    private final Port output;
    private final Arena arena;
    private final long batch;
    private final Tensor input;
    private final Tensor result;
    private final Tensor resultGradient;
    private final List<MemorySegment> cleared = new ArrayList<>();
    private Tensor targets;

    Differentiated(Arena arena, Graph graph, Sizes sizes, Map<Weight, Parameter> parameters) {
        this.graph = graph;
        this.output = graph.outputs().values().iterator().next();
        this.arena = arena;
        Map<Port, TensorDesc> descs = graph.infer(sizes);
        descs.forEach((port, desc) -> values.put(port, tensor(arena, desc)));
        for (Node node : graph.nodes()) {
            node.results().forEach(port -> gradients.put(port, tensor(arena, descs.get(port))));
        }
        this.input = values.get(graph.inputs().values().iterator().next().port());
        this.batch = input.shape().dim(0);
        this.result = values.get(output);
        this.resultGradient = gradients.get(output);
        gradients.forEach((port, gradient) -> {
            if (!port.equals(output)) {
                cleared.add(gradient.segment());
            }
        });
        for (Node node : graph.nodes()) {
            try {
                rules.add(rule(arena, node, parameters));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(graph.name() + ": " + node.name() + ": " + e.getMessage(), e);
            }
        }
    }

    private static Tensor tensor(Arena arena, TensorDesc desc) {
        return Tensor.of(desc, Rule.floats(arena, (desc.byteSize() + Float.BYTES - 1) / Float.BYTES));
    }

    private Rule rule(Arena arena, Node node, Map<Weight, Parameter> parameters) {
        if (node.operands().size() != 1) {
            throw new IllegalArgumentException(node.layer().kind() + " of " + node.operands().size() + " operands cannot be trained");
        }
        Tensor x = values.get(node.operands().getFirst());
        Tensor y = values.get(node.result());
        MemorySegment dx = gradients.containsKey(node.operands().getFirst()) ? gradients.get(node.operands().getFirst()).segment() : null;
        MemorySegment dy = gradients.get(node.result()).segment();
        return switch (node.layer()) {
            case Linear linear when linear.parts().size() == 1 && !linear.parts().getFirst().inOut() && plain(linear.activation())
                    && linear.scale() == 1 && !linear.residual() -> new LinearRule(arena,
                            parameters.get(linear.parts().getFirst().weight()),
                    parameters.get(linear.parts().getFirst().bias()), x.segment(), y.segment(), dx, dy);
            case Conv conv when conv.groups() == 1 && conv.window().rank() == 2 && plain(conv.activation()) && !conv.residual()
                    && !conv.pooled() ->
                    new ConvRule(arena, conv, parameters.get(conv.weight()), parameters.get(conv.bias()), x.shape(), y.shape(), x.segment(),
                            y.segment(), dx, dy);
            case Apply(PoolOp pool) when pool.window().rank() == 2 -> new PoolRule(pool, x.shape(), y.shape(), x.segment(), y.segment(),
                    dx, dy);
            case Apply(EltwiseOp eltwise) -> new ElementRule(eltwise.activation(), x.segment(), y.segment(), dx, dy);
            case Apply(FlattenOp _) -> new ElementRule(Activation.NONE, x.segment(), y.segment(), dx, dy);
            default -> throw new IllegalArgumentException(node.layer().kind() + node.layer().attributes()
                    + " cannot be trained: linear layers, "
                    + "convolutions of one group, pooling, element-wise functions and flattening can");
        };
    }

    private static boolean plain(Activation activation) {
        return activation == Activation.NONE;
    }

    long batch() {
        return batch;
    }

    Tensor input() {
        return input;
    }

    Tensor output() {
        return result;
    }

    Tensor outputGradient() {
        return resultGradient;
    }

    /** Memory for a batch of such targets. */
    Tensor targets(Tensor all) {
        if (targets == null || targets.type() != all.type() || targets.segment().byteSize() != all.segment().byteSize()
                / all.shape().dim(0) * batch) {
            long[] dims = all.shape().dims();
            dims[0] = batch;
            targets = tensor(arena, TensorDesc.of(all.type(), dims));
        }
        return targets;
    }

    /** Of a node's result. */
    Tensor gradient(Port port) {
        return gradients.get(port);
    }

    void forward() {
        for (int i = 0; i < rules.size(); i++) {
            rules.get(i).forward();
        }
    }

    /** From {@link #outputGradient} to the parameters, whose gradients are added to. */
    void backward() {
        for (int i = 0; i < cleared.size(); i++) {
            cleared.get(i).fill((byte) 0);
        }
        for (int i = rules.size() - 1; i >= 0; i--) {
            rules.get(i).backward();
        }
    }

    /** The first node whose result is not all numbers, for messages. */
    String firstNotFinite() {
        for (Node node : graph.nodes()) {
            Tensor result = values.get(node.result());
            for (long i = 0; i < result.shape().elementCount(); i++) {
                if (!Float.isFinite(result.getFloat(i))) {
                    return "layer " + node.name();
                }
            }
        }
        return "no layer, but the loss";
    }
}
