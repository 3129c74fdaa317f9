package dev.gatun.tensor.graph;

import dev.gatun.tensor.Precision;
import java.util.Objects;

/**
 * What a program is made for.
 *
 * @param rows    M of the products that matter, typically the tokens that are computed together; kernels are chosen for it
 * @param passes  whether graphs are fused; without, every layer is computed by itself, which is slow and good for comparing
 * @param precision of linear layers
 */
public record Target(int rows, boolean passes, Precision precision) {
    /** Checks the number. */
    public Target {
        if (rows < 1) {
            throw new IllegalArgumentException("rows must be 1 or more, not " + rows);
        }
        Objects.requireNonNull(precision, "precision");
    }

    /** In F32. */
    public Target(int rows, boolean passes) {
        this(rows, passes, Precision.F32);
    }

    /** For products of so many rows. */
    public static Target ofRows(int rows) {
        return new Target(rows, true);
    }

    /** The same with another precision of linear layers. */
    public Target withPrecision(Precision other) {
        return new Target(rows, passes, other);
    }
}
