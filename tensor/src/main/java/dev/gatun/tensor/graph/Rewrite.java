package dev.gatun.tensor.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Builds a graph out of another: a pass goes through its nodes and {@link #keep keeps} them, or says what stands for their results.
 * Ports of the old graph are meant everywhere; nodes whose results nobody reads any more are left out in the end. One thread.
 */
public final class Rewrite {
    private final Graph graph;
    private final Map<Port, Port> stands = new HashMap<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Map<String, Port> moreOutputs = new LinkedHashMap<>();
    private int next;

    /** Starts with the inputs and states. */
    public Rewrite(Graph graph) {
        this.graph = graph;
        this.next = 1 + graph.nodes().stream().flatMap(n -> n.results().stream()).mapToInt(Port::id).max().orElse(0);
        for (Map<String, Graph.Source> sources : List.of(graph.inputs(), graph.states())) {
            sources.values().forEach(s -> next = Math.max(next, s.port().id() + 1));
        }
    }

    /** A node as it is. */
    public void keep(Node node) {
        nodes.add(new Node(node.name(), node.layer(), map(node.operands()), node.results()));
    }

    /** A node with another layer over other operands, which has the same results. */
    public void replace(Node node, Layer layer, List<Port> operands) {
        nodes.add(new Node(node.name(), layer, map(operands), node.results()));
    }

    /** The results of a node by a node of another name, which stands where the first stood. */
    public void add(Node node, String name, Layer layer, List<Port> operands) {
        nodes.add(new Node(name, layer, map(operands), node.results()));
    }

    /** A new node of one result. */
    public Port add(String name, Layer layer, List<Port> operands) {
        Port result = new Port(next++);
        nodes.add(new Node(name, layer, map(operands), List.of(result)));
        return result;
    }

    /** From now on, one value stands for another. */
    public void stand(Port old, Port other) {
        stands.put(old, map(other));
    }

    /** One more output. */
    public void output(String name, Port port) {
        moreOutputs.put(name, port);
    }

    /** What stands for a value. */
    public Port map(Port port) {
        return stands.getOrDefault(port, port);
    }

    private List<Port> map(List<Port> ports) {
        return ports.stream().map(this::map).toList();
    }

    /** The graph, without what nobody reads. */
    public Graph build() {
        Map<String, Port> outputs = new LinkedHashMap<>();
        graph.outputs().forEach((name, port) -> outputs.put(name, map(port)));
        moreOutputs.forEach((name, port) -> outputs.put(name, map(port)));
        Map<Port, Boolean> read = new HashMap<>();
        outputs.values().forEach(port -> read.put(port, true));
        List<Node> live = new ArrayList<>();
        for (Node node : nodes.reversed()) {
            boolean effect = node.operands().stream().anyMatch(p -> graph.states().values().stream().anyMatch(s -> s.port().equals(p)));
            if (effect || node.results().stream().anyMatch(read::containsKey)) {
                live.addFirst(node);
                node.operands().forEach(port -> read.put(port, true));
            }
        }
        return new Graph(graph.name(), graph.inputs(), graph.states(), live, outputs);
    }
}
