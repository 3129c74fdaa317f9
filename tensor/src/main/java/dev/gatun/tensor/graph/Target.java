package dev.gatun.tensor.graph;

/**
 * What a program is made for.
 *
 * @param rows    M of the products that matter, typically the tokens that are computed together; kernels are chosen for it
 * @param passes  whether graphs are fused; without, every layer is computed by itself, which is slow and good for comparing
 */
public record Target(int rows, boolean passes) {
    /** Checks the number. */
    public Target {
        if (rows < 1) {
            throw new IllegalArgumentException("rows must be 1 or more, not " + rows);
        }
    }

    /** For products of so many rows. */
    public static Target ofRows(int rows) {
        return new Target(rows, true);
    }
}
