package dev.gatun.tensor.graph;

/**
 * One dimension of a graph's input or state: fixed, or free under a name, as {@code tokens}. Every free dimension of one name has the
 * same size in a run.
 *
 * @param name of a free dimension; null for a fixed one
 * @param size of a fixed dimension; of a free one a typical size, with which the graph is checked and printed
 */
public record Dim(String name, long size) {
    /** Checks the size. */
    public Dim {
        if (size < 0 || name != null && size < 1) {
            throw new IllegalArgumentException("Dim " + name + ": size " + size + ", expected " + (name == null ? "0" : "1") + " or more");
        }
    }

    /** A fixed dimension. */
    public static Dim of(long size) {
        return new Dim(null, size);
    }

    /** A free dimension, typically 16. */
    public static Dim free(String name) {
        return new Dim(name, 16);
    }

    /** Whether its size is chosen by each run. */
    public boolean isFree() {
        return name != null;
    }

    @Override
    public String toString() {
        return isFree() ? name : Long.toString(size);
    }
}
