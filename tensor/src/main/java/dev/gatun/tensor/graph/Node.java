package dev.gatun.tensor.graph;

import java.util.List;

/**
 * One layer of a graph and what it is connected with.
 *
 * @param name     as {@code encoder.layer.0.attention}, for text and messages; passes and calibration find layers by it
 * @param layer    what is computed
 * @param operands in the layer's order
 * @param results  one or several
 */
public record Node(String name, Layer layer, List<Port> operands, List<Port> results) {
    /** Copies the lists. */
    public Node {
        operands = List.copyOf(operands);
        results = List.copyOf(results);
    }

    /** The only result. */
    public Port result() {
        if (results.size() != 1) {
            throw new IllegalStateException("node " + name + " has " + results.size() + " results");
        }
        return results.getFirst();
    }
}
