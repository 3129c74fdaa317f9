package dev.gatun.tensor.graph;

import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.HashMap;
import java.util.Map;
import java.util.StringJoiner;

/**
 * The text form of a graph. Dimensions that follow a free one are shown by its name: they are found by inferring the shapes twice, for
 * different sizes.
 */
final class GraphText {
    private final Graph graph;
    private final Sizes sizes;
    private final Map<Port, TensorDesc> descs;
    private final Map<String, Map<Port, TensorDesc>> doubled = new HashMap<>();

    private GraphText(Graph graph) {
        this.graph = graph;
        this.sizes = graph.typicalSizes();
        this.descs = graph.infer(sizes);
        for (String name : sizes.byName().keySet()) {
            try {
                doubled.put(name, graph.infer(sizes.with(name, 2 * sizes.get(name))));
            } catch (ShapeException hangsTogetherWithAnother) {
                // As pictures and their tokens: shown by its number.
            }
        }
    }

    static String of(Graph graph) {
        return new GraphText(graph).text();
    }

    private String text() {
        StringBuilder text = new StringBuilder("graph ").append(graph.name()).append('\n');
        graph.inputs().forEach((name, s) -> text.append("  input  ").append(s.port()).append(' ').append(name).append(": ")
                .append(s.spec()).append('\n'));
        graph.states().forEach((name, s) -> text.append("  state  ").append(s.port()).append(' ').append(name).append(": ")
                .append(s.spec()).append('\n'));
        for (Node node : graph.nodes()) {
            text.append("  ");
            StringJoiner results = new StringJoiner(", ");
            node.results().forEach(port -> results.add(port + ": " + shape(port)));
            text.append(results).append(" = ").append(node.layer().kind());
            StringJoiner operands = new StringJoiner(", ", "(", ")");
            node.operands().forEach(port -> operands.add(port.toString()));
            text.append(operands).append(node.layer().attributes());
            StringJoiner weights = new StringJoiner(", ", " {", "}").setEmptyValue("");
            node.layer().weights().forEach(w -> weights.add(w.toString()));
            text.append(weights).append("  # ").append(node.name()).append('\n');
        }
        graph.outputs().forEach((name, port) -> text.append("  output ").append(port).append(' ').append(name).append('\n'));
        return text.toString();
    }

    private String shape(Port port) {
        TensorDesc desc = descs.get(port);
        StringJoiner dims = new StringJoiner(", ", "[", "]");
        for (int i = 0; i < desc.shape().rank(); i++) {
            dims.add(dim(port, i, desc.shape().dim(i)));
        }
        return desc.type() + " " + dims;
    }

    private String dim(Port port, int i, long size) {
        for (Map.Entry<String, Map<Port, TensorDesc>> other : doubled.entrySet()) {
            long typical = sizes.get(other.getKey());
            long step = other.getValue().get(port).shape().dim(i) - size;
            if (step == 0) {
                continue;
            }
            if (step == typical && size == typical) {
                return other.getKey();
            }
            if (step == size && size % typical == 0) {
                return size / typical + "*" + other.getKey();
            }
            if (step == size && typical % size == 0) {
                return other.getKey() + "/" + typical / size;
            }
            return "?";
        }
        return Long.toString(size);
    }
}
