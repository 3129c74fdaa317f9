package dev.gatun.tensor.graph;

import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a network computes: layers in an order in which they can be executed, over inputs and states of named sizes. Immutable, and
 * without native memory of its own: weights show the checkpoint's. Made by a {@link GraphBuilder}, rewritten by {@link Pass passes}.
 */
public final class Graph {
    private final String name;
    private final Map<String, Source> inputs;
    private final Map<String, Source> states;
    private final List<Node> nodes;
    private final Map<String, Port> outputs;
    private final Map<Port, Node> producers = new HashMap<>();
    private final Map<Port, List<Node>> users = new HashMap<>();

    /**
     * An input or a state.
     *
     * @param spec type and dimensions
     * @param port its value
     */
    public record Source(Spec spec, Port port) {
    }

    Graph(String name, Map<String, Source> inputs, Map<String, Source> states, List<Node> nodes, Map<String, Port> outputs) {
        this.name = name;
        this.inputs = new LinkedHashMap<>(inputs);
        this.states = new LinkedHashMap<>(states);
        this.nodes = List.copyOf(nodes);
        this.outputs = new LinkedHashMap<>(outputs);
        for (Node node : nodes) {
            node.results().forEach(port -> producers.put(port, node));
            new LinkedHashSet<>(node.operands()).forEach(port -> users.computeIfAbsent(port, p -> new ArrayList<>()).add(node));
        }
        // Whoever made the nodes, passes and the compiler may rely on their operands.
        infer(typicalSizes());
    }

    /** As {@code bert}, for messages. */
    public String name() {
        return name;
    }

    /** What a run is given, by name. */
    public Map<String, Source> inputs() {
        return java.util.Collections.unmodifiableMap(inputs);
    }

    /** What a session keeps between runs, by name. */
    public Map<String, Source> states() {
        return java.util.Collections.unmodifiableMap(states);
    }

    /** In an order in which they can be executed. */
    public List<Node> nodes() {
        return nodes;
    }

    /** What a run gives, by name. */
    public Map<String, Port> outputs() {
        return java.util.Collections.unmodifiableMap(outputs);
    }

    /** The node that makes a value, or null of an input or state. */
    public Node producer(Port port) {
        return producers.get(port);
    }

    /** The nodes that read a value, each once, in order. */
    public List<Node> users(Port port) {
        return users.getOrDefault(port, List.of());
    }

    /** Whether only one node reads a value, and no output shows it. */
    public boolean isUsedOnce(Port port) {
        return users(port).size() == 1 && !outputs.containsValue(port)
                && users(port).getFirst().operands().stream().filter(port::equals).count() == 1;
    }

    /** All parameters, each once, in the order of the layers. */
    public Set<Weight> weights() {
        Set<Weight> all = new LinkedHashSet<>();
        nodes.forEach(node -> all.addAll(node.layer().weights()));
        return all;
    }

    /** Names of the free dimensions and their typical sizes. */
    public Sizes typicalSizes() {
        Map<String, Long> sizes = new HashMap<>();
        for (Map<String, Source> sources : List.of(inputs, states)) {
            sources.values().forEach(s -> s.spec.dims().stream().filter(Dim::isFree).forEach(d -> sizes.put(d.name(), d.size())));
        }
        return new Sizes(sizes);
    }

    /**
     * Type and shape of every value for some sizes.
     *
     * @throws dev.gatun.tensor.ShapeException if they do not fit; the message names the node, as do those of
     * @throws IllegalArgumentException        if a node has too few or too many operands or results, or one that nothing before it makes
     */
    public Map<Port, TensorDesc> infer(Sizes sizes) {
        Map<Port, TensorDesc> found = new HashMap<>();
        inputs.values().forEach(s -> found.put(s.port, s.spec.at(sizes)));
        states.values().forEach(s -> found.put(s.port, s.spec.at(sizes)));
        for (Node node : nodes) {
            List<TensorDesc> results = results(node, found);
            for (int i = 0; i < results.size(); i++) {
                found.put(node.results().get(i), results.get(i));
            }
        }
        return found;
    }

    private List<TensorDesc> results(Node node, Map<Port, TensorDesc> found) {
        String where = name + ": " + node.name();
        try {
            if (!found.keySet().containsAll(node.operands())) {
                throw new IllegalArgumentException("reads a value that nothing before it makes");
            }
            List<TensorDesc> results = node.layer().results(node.operands().stream().map(found::get).toList());
            if (results.size() != node.results().size()) {
                throw new IllegalArgumentException(results.size() + " results, expected " + node.results().size());
            }
            return results;
        } catch (ShapeException e) {
            throw e.at(where);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(where + ": " + e.getMessage(), e);
        }
    }

    /** The text form: a line for each input, state, node and output. */
    @Override
    public String toString() {
        return GraphText.of(this);
    }
}
