package dev.gatun.models.onnx;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Puts the nodes of a model's functions in the place of their calls. A function that calls itself, directly or not, is refused, and so is
 * a model that grows beyond a million nodes, or has too many calls.
 */
final class Inliner {
    private static final int MOST_NODES = 1_000_000;
    private static final int MOST_CALLS = 100_000;
    /** Characters of a call's name from which on it does not stand before those within. */
    private static final int LONG_NAME = 100;

    private final Map<String, Proto.Function> functions;
    private final Deque<String> active = new ArrayDeque<>();
    private int calls;
    private int produced;

    Inliner(Map<String, Proto.Function> functions) {
        this.functions = functions;
    }

    /** A node and the operator sets that it means. */
    record Scoped(Proto.Node node, Map<String, Long> opsets) {
    }

    /** Nodes without calls of functions. */
    List<Scoped> inline(List<Proto.Node> nodes, Map<String, Long> opsets) {
        List<Scoped> out = new ArrayList<>();
        for (Proto.Node node : nodes) {
            Proto.Function function = functions.isEmpty() ? null : functions.get(node.key());
            if (function == null) {
                if (++produced > MOST_NODES) {
                    throw new IllegalArgumentException("more than " + MOST_NODES + " nodes after functions were put in their places");
                }
                out.add(new Scoped(node, opsets));
            } else {
                call(node, function, opsets, out);
            }
        }
        return out;
    }

    private void call(Proto.Node node, Proto.Function function, Map<String, Long> outer, List<Scoped> out) {
        if (active.contains(node.key())) {
            throw new IllegalArgumentException(node.label() + ": the function calls itself");
        }
        if (node.inputs().size() > function.inputs().size() || node.outputs().size() > function.outputs().size()) {
            throw new IllegalArgumentException(node.label() + ": " + node.inputs().size() + " inputs and " + node.outputs().size()
                    + " outputs, the function has " + function.inputs().size() + " and " + function.outputs().size());
        }
        if (++calls > MOST_CALLS) {
            throw new IllegalArgumentException(node.label() + ": more than " + MOST_CALLS + " calls of functions");
        }
        active.push(node.key());
        String prefix = (node.name().isEmpty() || node.name().length() > LONG_NAME ? node.op() : node.name()) + "/" + calls + "/";
        Map<String, String> names = new HashMap<>();
        bind(names, function.inputs(), node.inputs());
        bind(names, function.outputs(), node.outputs());
        for (int i = node.outputs().size(); i < function.outputs().size(); i++) {
            names.remove(function.outputs().get(i));
        }
        Map<String, Proto.Attribute> attributes = new LinkedHashMap<>(function.defaults());
        attributes.putAll(node.attributes());
        List<Proto.Node> body = new ArrayList<>();
        // An output that is an input as it is needs a node to carry it.
        Set<String> made = new HashSet<>();
        function.nodes().forEach(n -> made.addAll(n.outputs()));
        for (int i = 0; i < node.outputs().size(); i++) {
            String inner = function.outputs().get(i);
            int input = function.inputs().indexOf(inner);
            if (!made.contains(inner) && input >= 0 && input < node.inputs().size()) {
                body.add(new Proto.Node("", "", "Identity", "", List.of(node.inputs().get(input)), List.of(node.outputs().get(i)),
                        Map.of()));
            }
        }
        for (Proto.Node inner : function.nodes()) {
            body.add(renamed(inner, names, prefix, attributes));
        }
        out.addAll(inline(body, function.opsets().isEmpty() ? outer : function.opsets()));
        active.pop();
    }

    private static void bind(Map<String, String> names, List<String> formal, List<String> actual) {
        for (int i = 0; i < formal.size(); i++) {
            names.put(formal.get(i), i < actual.size() ? actual.get(i) : "");
        }
    }

    private static Proto.Node renamed(Proto.Node node, Map<String, String> names, String prefix, Map<String, Proto.Attribute> given) {
        Map<String, Proto.Attribute> attributes = new LinkedHashMap<>();
        for (Proto.Attribute attribute : node.attributes().values()) {
            Proto.Attribute meant = attribute.reference() == null ? attribute : given.get(attribute.reference());
            if (meant == null || meant.value() == null) {
                continue;
            }
            Object value = meant.value() instanceof Proto.Graph graph ? renamed(graph, names, prefix, given) : meant.value();
            attributes.put(attribute.name(), new Proto.Attribute(attribute.name(), value, meant.reference()));
        }
        return new Proto.Node(prefix + node.name(), node.domain(), node.op(), node.overload(), rename(node.inputs(), names, prefix),
                rename(node.outputs(), names, prefix), attributes);
    }

    private static Proto.Graph renamed(Proto.Graph graph, Map<String, String> names, String prefix, Map<String, Proto.Attribute> given) {
        return new Proto.Graph(graph.name(), graph.nodes().stream().map(n -> renamed(n, names, prefix, given)).toList(),
                graph.initializers().stream().map(t -> new Proto.Tensor(rename(t.name(), names, prefix), t.dims(), t.type(), t.raw(),
                        t.numbers(),
                        t.texts(), t.external())).toList(),
                graph.sparse(), renameInfos(graph.inputs(), names, prefix), renameInfos(graph.outputs(), names, prefix));
    }

    private static List<Proto.Info> renameInfos(List<Proto.Info> infos, Map<String, String> names, String prefix) {
        return infos.stream().map(i -> new Proto.Info(rename(i.name(), names, prefix), i.type())).toList();
    }

    private static List<String> rename(List<String> list, Map<String, String> names, String prefix) {
        return list.stream().map(n -> rename(n, names, prefix)).toList();
    }

    private static String rename(String name, Map<String, String> names, String prefix) {
        return name.isEmpty() ? "" : names.getOrDefault(name, prefix + name);
    }
}
