package dev.gatun.tensor.graph;

import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Op;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Describes a network, layer by layer. Shapes are checked at once, with the typical sizes of free dimensions. One thread.
 *
 * <pre>{@code
 * GraphBuilder g = new GraphBuilder("mlp");
 * Port x = g.input("x", Spec.of(DataType.F32, "n", 784));
 * x = g.add("fc1", new Linear(weights.weight("fc1.weight"), weights.weight("fc1.bias")), x);
 * x = g.add("relu", new EltwiseOp(Activation.RELU), x);
 * g.output("logits", g.add("fc2", new Linear(weights.weight("fc2.weight"), weights.weight("fc2.bias")), x));
 * }</pre>
 */
public final class GraphBuilder {
    private final String name;
    private final Map<String, Graph.Source> inputs = new LinkedHashMap<>();
    private final Map<String, Graph.Source> states = new LinkedHashMap<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Set<String> names = new HashSet<>();
    private final Map<String, Port> outputs = new LinkedHashMap<>();
    private final List<TensorDesc> descs = new ArrayList<>();

    /** @param name of the network, for messages */
    public GraphBuilder(String name) {
        this.name = name;
    }

    /** Declares what each run is given. */
    public Port input(String inputName, Spec spec) {
        return source(inputs, "input", inputName, spec);
    }

    /** Declares what a session keeps from run to run, zero at first: layers may write over it. */
    public Port state(String stateName, Spec spec) {
        return source(states, "state", stateName, spec);
    }

    private Port source(Map<String, Graph.Source> sources, String kind, String sourceName, Spec spec) {
        Objects.requireNonNull(sourceName, "name");
        if (inputs.containsKey(sourceName) || states.containsKey(sourceName)) {
            throw new IllegalArgumentException(name + ": " + kind + " " + sourceName + " exists already");
        }
        Map<String, Long> typical = new LinkedHashMap<>();
        spec.dims().stream().filter(Dim::isFree).forEach(d -> typical.put(d.name(), d.size()));
        Port port = port(spec.at(new Sizes(typical)));
        sources.put(sourceName, new Graph.Source(spec, port));
        return port;
    }

    /** Adds an operation without weights; of its one result. */
    public Port add(String nodeName, Op op, Port... operands) {
        return add(nodeName, new Apply(op), operands);
    }

    /**
     * Adds a layer of one result.
     *
     * @param nodeName its name; one that exists gets a number behind it
     * @throws dev.gatun.tensor.ShapeException if the operands do not fit
     */
    public Port add(String nodeName, Layer layer, Port... operands) {
        List<Port> results = addAll(nodeName, layer, operands);
        if (results.size() != 1) {
            throw new IllegalArgumentException(name + ": " + nodeName + " has " + results.size() + " results");
        }
        return results.getFirst();
    }

    /** Adds a layer of several results. */
    public List<Port> addAll(String nodeName, Layer layer, Port... operands) {
        List<TensorDesc> found = new ArrayList<>();
        for (Port operand : operands) {
            found.add(desc(operand));
        }
        List<Port> results = layer.results(found).stream().map(this::port).toList();
        nodes.add(new Node(unique(Objects.requireNonNull(nodeName, "nodeName")), layer, List.of(operands), results));
        return results;
    }

    private String unique(String wanted) {
        String unique = wanted;
        for (int i = 2; !names.add(unique); i++) {
            unique = wanted + "." + i;
        }
        return unique;
    }

    private Port port(TensorDesc desc) {
        descs.add(desc);
        return new Port(descs.size() - 1);
    }

    /**
     * Type and shape of a value, for typical sizes.
     *
     * @throws IllegalArgumentException if it is not one of this graph
     */
    public TensorDesc desc(Port port) {
        if (port.id() < 0 || port.id() >= descs.size()) {
            throw new IllegalArgumentException(name + ": " + port + " is another graph's");
        }
        return descs.get(port.id());
    }

    /** Names what each run gives. */
    public void output(String outputName, Port port) {
        desc(port);
        Objects.requireNonNull(outputName, "outputName");
        if (outputs.putIfAbsent(outputName, port) != null) {
            throw new IllegalArgumentException(name + ": output " + outputName + " exists already");
        }
    }

    /** The graph. */
    public Graph build() {
        if (outputs.isEmpty()) {
            throw new IllegalArgumentException(name + ": a graph without outputs computes nothing");
        }
        return new Graph(name, inputs, states, nodes, outputs);
    }
}
