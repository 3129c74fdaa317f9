package dev.gatun.models.train;

import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Weight;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/** A graph for one batch size: its values, their gradients, and the rules between them. Owned by its trainer's arena. */
final class Differentiated {
    private final Graph graph;
    private final Map<Port, Tensor> values = new HashMap<>();
    private final Map<Port, Tensor> gradients = new HashMap<>();
    private final List<Rule> rules = new ArrayList<>();
    private final Port output;
    private final Arena arena;
    private final Tensor[] inputs;
    private final Tensor result;
    private final Tensor resultGradient;
    private final List<MemorySegment> cleared = new ArrayList<>();
    private Tensor targets;

    Differentiated(Arena arena, Graph graph, Sizes sizes, Map<Weight, Parameter> parameters, Dropout dropout, LongSupplier step) {
        this.graph = graph;
        this.output = graph.outputs().values().iterator().next();
        this.arena = arena;
        Map<Port, TensorDesc> descs = graph.infer(sizes);
        descs.forEach((port, desc) -> values.put(port, tensor(arena, desc)));
        for (Node node : graph.nodes()) {
            node.results().forEach(port -> gradients.put(port, tensor(arena, descs.get(port))));
        }
        this.inputs = graph.inputs().values().stream().map(source -> values.get(source.port())).toArray(Tensor[]::new);
        this.result = values.get(output);
        this.resultGradient = gradients.get(output);
        gradients.forEach((port, gradient) -> {
            if (!port.equals(output)) {
                cleared.add(gradient.segment());
            }
        });
        parameters.forEach((weight, parameter) -> {
            if (weight.origin() != null && weight.origin().table() != null) {
                rules.add(new OriginRule(arena, parameters.get(weight.origin().table()), parameter, weight.origin().rows()));
            }
        });
        for (Node node : graph.nodes()) {
            try {
                List<Rule> own = rules(node, parameters);
                rules.addAll(own);
                double share = dropout.shares().getOrDefault(node.name(), 0.0);
                if (share > 0) {
                    rules.add(new DropoutRule(arena, dropout.seed() + node.name().hashCode(), (float) share, step,
                            values.get(node.result()).segment(), gradients.get(node.result()).segment()));
                }
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(graph.name() + ": " + node.name() + ": " + e.getMessage(), e);
            }
        }
    }

    private static Tensor tensor(Arena arena, TensorDesc desc) {
        return Tensor.of(desc, Rule.floats(arena, (desc.byteSize() + Float.BYTES - 1) / Float.BYTES));
    }

    private List<Rule> rules(Node node, Map<Weight, Parameter> parameters) {
        return new Rules(arena, parameters, node.operands().stream().map(values::get).toList(), segments(node.operands()),
                node.results().stream().map(values::get).toList(), segments(node.results())).of(node.layer());
    }

    private MemorySegment[] segments(List<Port> ports) {
        return ports.stream().map(port -> gradients.containsKey(port) ? gradients.get(port).segment() : null)
                .toArray(MemorySegment[]::new);
    }

    /** The first input. */
    Tensor input() {
        return inputs[0];
    }

    /** In the graph's order. */
    Tensor input(int i) {
        return inputs[i];
    }

    /** Whether this is for inputs of such shapes. */
    boolean takes(Tensor[] others) {
        for (int i = 0; i < inputs.length; i++) {
            if (!inputs[i].shape().equals(others[i].shape())) {
                return false;
            }
        }
        return true;
    }

    Tensor output() {
        return result;
    }

    Tensor outputGradient() {
        return resultGradient;
    }

    /** Memory for a batch of such targets. */
    Tensor targets(Tensor all) {
        long batch = inputs[0].shape().dim(0);
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

    /** In the order of nodes. */
    List<Rule> rules() {
        return rules;
    }

    /** Computes all values; see {@link Rule#forward}. */
    void forward(boolean training) {
        for (int i = 0; i < rules.size(); i++) {
            rules.get(i).forward(training);
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
            Tensor result = values.get(node.results().getFirst());
            for (long i = 0; i < result.shape().elementCount(); i++) {
                if (!Float.isFinite(result.getFloat(i))) {
                    return "layer " + node.name();
                }
            }
        }
        return "no layer, but the loss";
    }
}
