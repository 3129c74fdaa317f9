package dev.gatun.models.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Gives every value of a graph and its subgraphs a slot, and every node its kernel. Unknown operators are collected, all of them. */
final class GraphCompiler {
    private static final int MAX_DEPTH = 64;

    private final String file;
    private final TensorReader tensors;
    private final Inliner inliner;
    private final Map<String, Set<String>> missing = new LinkedHashMap<>();

    GraphCompiler(String file, TensorReader tensors, Map<String, Proto.Function> functions) {
        this.file = file;
        this.tensors = tensors;
        this.inliner = new Inliner(functions);
    }

    /** Names of a graph while it is compiled. */
    private static final class Scope {
        private final Scope parent;
        private final Map<String, Integer> slots = new HashMap<>();
        private final Set<String> defined = new HashSet<>();
        private int depth;

        Scope(Scope parent) {
            this.parent = parent;
            this.depth = parent == null ? 0 : parent.depth + 1;
        }

        int slot(String name) {
            return slots.computeIfAbsent(name, n -> slots.size());
        }
    }

    /** @throws OnnxException that names the file, and every operator that is missing */
    Program compile(Proto.Graph graph, Map<String, Long> opsets) {
        Program program = compile(graph, opsets, null);
        if (!missing.isEmpty()) {
            throw OnnxException.unsupported(file, missing.entrySet().stream().map(e -> e.getKey() + " ("
                    + String.join(", ", e.getValue().stream().limit(5).toList()) + (e.getValue().size() > 5 ? ", ..." : "") + ")")
                            .toList());
        }
        return program;
    }

    private Program compile(Proto.Graph graph, Map<String, Long> opsets, Scope parent) {
        Scope scope = new Scope(parent);
        if (scope.depth > MAX_DEPTH) {
            throw new OnnxException(file, "graphs are nested more than " + MAX_DEPTH + " deep");
        }
        Map<Integer, OnnxValue> constants = new HashMap<>();
        for (Proto.Info input : graph.inputs()) {
            define(scope, input.name(), "graph input");
        }
        for (Proto.Tensor initializer : graph.initializers()) {
            constants.put(initializer(graph, scope, initializer.name()), read(initializer));
        }
        for (Proto.Sparse sparse : graph.sparse()) {
            constants.put(initializer(graph, scope, sparse.values().name()), dense(sparse));
        }
        List<Inliner.Scoped> nodes = inline(graph, opsets);
        Map<String, Inliner.Scoped> producers = new HashMap<>();
        for (Inliner.Scoped each : nodes) {
            for (String output : each.node().outputs()) {
                if (!output.isEmpty() && (scope.defined.contains(output) || producers.put(output, each) != null)) {
                    throw new OnnxException(file, each.node().label() + ": the name " + output + " is taken by another value");
                }
            }
        }
        List<Program.Step> steps = new ArrayList<>();
        for (Inliner.Scoped each : sorted(nodes, producers)) {
            steps.add(step(each, scope));
        }
        List<Program.Ref> outputs = graph.outputs().stream().map(o -> ref(o.name(), scope, "graph output " + o.name())).toList();
        List<Integer> inputs = graph.inputs().stream().map(i -> scope.slot(i.name())).toList();
        return new Program(scope.slots.size(), inputs, outputs, mortal(steps, outputs, inputs, constants), constants);
    }

    private List<Inliner.Scoped> inline(Proto.Graph graph, Map<String, Long> opsets) {
        try {
            return inliner.inline(graph.nodes(), opsets);
        } catch (IllegalArgumentException e) {
            throw new OnnxException(file, e.getMessage(), e);
        }
    }

    private void define(Scope scope, String name, String what) {
        if (!scope.defined.add(name)) {
            throw new OnnxException(file, what + " " + name + ": the name is taken by another value");
        }
        scope.slot(name);
    }

    /** A graph input may have one, as its default. */
    private int initializer(Proto.Graph graph, Scope scope, String name) {
        if (scope.defined.contains(name) && graph.inputs().stream().anyMatch(i -> i.name().equals(name))) {
            if (!scope.defined.add(name + "\0default")) {
                throw new OnnxException(file, "two initializers named " + name);
            }
            return scope.slot(name);
        }
        define(scope, name, "initializer");
        return scope.slot(name);
    }

    private OnnxTensor read(Proto.Tensor tensor) {
        try {
            return tensors.read(tensor);
        } catch (IllegalArgumentException e) {
            throw new OnnxException(file, e.getMessage(), e);
        }
    }

    private OnnxTensor dense(Proto.Sparse sparse) {
        OnnxTensor values = read(sparse.values());
        OnnxTensor indices = read(sparse.indices());
        try {
            return SparseOps.dense(tensors.arena(), values, indices, sparse.dims());
        } catch (IllegalArgumentException | ArithmeticException | IndexOutOfBoundsException e) {
            throw new OnnxException(file, "sparse tensor " + sparse.values().name() + ": " + e.getMessage(), e);
        }
    }

    /** Files are sorted, but not all: what comes too early waits for its operands. */
    private List<Inliner.Scoped> sorted(List<Inliner.Scoped> nodes, Map<String, Inliner.Scoped> producers) {
        Map<Inliner.Scoped, Integer> waiting = new java.util.IdentityHashMap<>();
        Map<Inliner.Scoped, List<Inliner.Scoped>> users = new java.util.IdentityHashMap<>();
        java.util.PriorityQueue<Integer> ready = new java.util.PriorityQueue<>();
        Map<Inliner.Scoped, Integer> place = new java.util.IdentityHashMap<>();
        for (int i = 0; i < nodes.size(); i++) {
            place.put(nodes.get(i), i);
        }
        for (Inliner.Scoped node : nodes) {
            Set<String> wanted = new LinkedHashSet<>();
            reads(node.node(), wanted);
            int count = 0;
            for (String name : wanted) {
                Inliner.Scoped producer = producers.get(name);
                if (producer != null) {
                    users.computeIfAbsent(producer, p -> new ArrayList<>()).add(node);
                    count++;
                }
            }
            waiting.put(node, count);
            if (count == 0) {
                ready.add(place.get(node));
            }
        }
        List<Inliner.Scoped> order = new ArrayList<>();
        while (!ready.isEmpty()) {
            Inliner.Scoped node = nodes.get(ready.poll());
            order.add(node);
            for (Inliner.Scoped user : users.getOrDefault(node, List.of())) {
                if (waiting.merge(user, -1, Integer::sum) == 0) {
                    ready.add(place.get(user));
                }
            }
        }
        if (order.size() < nodes.size()) {
            Inliner.Scoped stuck = nodes.stream().filter(n -> waiting.get(n) > 0).findFirst().orElseThrow();
            throw new OnnxException(file, stuck.node().label() + ": the graph has a cycle through it");
        }
        return order;
    }

    /** What a node and its subgraphs read. */
    private static void reads(Proto.Node node, Set<String> names) {
        names.addAll(node.inputs());
        for (Proto.Attribute attribute : node.attributes().values()) {
            if (attribute.value() instanceof Proto.Graph graph) {
                Set<String> inner = new HashSet<>();
                graph.nodes().forEach(n -> reads(n, inner));
                graph.outputs().forEach(o -> inner.add(o.name()));
                graph.inputs().forEach(i -> inner.remove(i.name()));
                names.addAll(inner);
            }
        }
    }

    private Program.Step step(Inliner.Scoped scoped, Scope scope) {
        Proto.Node node = scoped.node();
        long version = scoped.opsets().getOrDefault(node.domain(), node.domain().isEmpty() ? 0L : 1L);
        if (node.domain().isEmpty() && version == 0) {
            version = scoped.opsets().isEmpty() ? 1 : Operators.NEWEST;
        }
        Kernel kernel = Operators.find(node.domain(), node.op());
        if (kernel == null) {
            missing.computeIfAbsent((node.domain().isEmpty() ? "" : node.domain() + ".") + node.op(), k -> new LinkedHashSet<>())
                    .add(node.name().isEmpty() ? node.outputs().isEmpty() ? "?" : node.outputs().getFirst() : node.name());
            kernel = call -> null;
        }
        if (node.domain().isEmpty() && version > Operators.NEWEST) {
            throw new OnnxException(file, "opset " + version + " is newer than " + Operators.NEWEST + ", the newest that is known");
        }
        List<Program.Ref> inputs = new ArrayList<>();
        for (String input : node.inputs()) {
            inputs.add(input.isEmpty() ? Program.Ref.NONE : ref(input, scope, node.label()));
        }
        Map<String, Object> attributes = new HashMap<>();
        for (Proto.Attribute attribute : node.attributes().values()) {
            Object value = decoded(attribute.value(), scoped, scope);
            if (value != null) {
                attributes.put(attribute.name(), value);
            }
        }
        int[] outputs = new int[node.outputs().size()];
        for (int i = 0; i < outputs.length; i++) {
            String name = node.outputs().get(i);
            outputs[i] = name.isEmpty() ? -1 : scope.slot(name);
            scope.defined.add(name);
        }
        return new Program.Step(node, kernel, (int) Math.max(1, Math.min(version, Integer.MAX_VALUE)), inputs, outputs, attributes,
                new int[0]);
    }

    private Object decoded(Object value, Inliner.Scoped scoped, Scope scope) {
        try {
            return switch (value) {
                case Proto.Tensor tensor -> tensors.read(tensor);
                case Proto.Graph graph -> compile(graph, scoped.opsets(), scope);
                case Proto.Sparse sparse -> dense(sparse);
                case List<?> list when !list.isEmpty() && list.getFirst() instanceof Proto.Tensor ->
                    list.stream().map(t -> tensors.read((Proto.Tensor) t)).toList();
                case null -> null;
                default -> value;
            };
        } catch (IllegalArgumentException e) {
            throw new OnnxException(file, scoped.node().label() + ": " + e.getMessage(), e);
        }
    }

    private Program.Ref ref(String name, Scope scope, String reader) {
        int up = 0;
        for (Scope s = scope; s != null; s = s.parent, up++) {
            if (s.defined.contains(name)) {
                return new Program.Ref(up, s.slot(name));
            }
        }
        throw new OnnxException(file, reader + ": reads " + name + ", which no input, initializer or node gives");
    }

    /** Says after which step each value is not needed any more. */
    static List<Program.Step> mortal(List<Program.Step> steps, List<Program.Ref> outputs, List<Integer> inputs, Map<Integer,
            OnnxValue> constants) {
        Set<Integer> seen = new HashSet<>(constants.keySet());
        outputs.stream().filter(r -> r.up() == 0).forEach(r -> seen.add(r.slot()));
        seen.addAll(inputs);
        Program.Step[] result = new Program.Step[steps.size()];
        for (int i = steps.size() - 1; i >= 0; i--) {
            Set<Integer> dying = new LinkedHashSet<>();
            Set<Integer> used = new LinkedHashSet<>();
            uses(steps.get(i), 0, used);
            Arrays.stream(steps.get(i).outputs()).filter(s -> s >= 0).forEach(used::add);
            for (int slot : used) {
                if (seen.add(slot)) {
                    dying.add(slot);
                }
            }
            result[i] = steps.get(i).withDying(dying.stream().mapToInt(Integer::intValue).toArray());
        }
        return new ArrayList<>(Arrays.asList(result));
    }

    /** Slots of the frame so many up that a step and its subgraphs read. */
    static void uses(Program.Step step, int up, Set<Integer> slots) {
        step.inputs().stream().filter(r -> r.up() == up && r.slot() >= 0).forEach(r -> slots.add(r.slot()));
        for (Object value : step.attributes().values()) {
            if (value instanceof Program inner) {
                inner.steps().forEach(s -> uses(s, up + 1, slots));
                inner.outputs().stream().filter(r -> r.up() == up + 1).forEach(r -> slots.add(r.slot()));
            }
        }
    }
}
