package dev.gatun.tensor.graph;

/**
 * A value of a graph: an input, a state, or a result of a node.
 *
 * @param id position among the graph's values
 */
public record Port(int id) {
    @Override
    public String toString() {
        return "%" + id;
    }
}
