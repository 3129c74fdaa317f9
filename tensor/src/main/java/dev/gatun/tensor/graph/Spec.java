package dev.gatun.tensor.graph;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.TensorDesc;
import java.util.ArrayList;
import java.util.List;

/**
 * Element type and named dimensions of a row-major input, state or value of a graph.
 *
 * @param type element type
 * @param dims slowest first
 */
public record Spec(DataType type, List<Dim> dims) {
    /** Copies the list. */
    public Spec {
        dims = List.copyOf(dims);
    }

    /** Dimensions given as numbers, as names of free dimensions, or as {@link Dim}. */
    public static Spec of(DataType type, Object... dims) {
        List<Dim> list = new ArrayList<>();
        for (Object dim : dims) {
            list.add(switch (dim) {
                case Dim d -> d;
                case String name -> Dim.free(name);
                case Number size -> Dim.of(size.longValue());
                default -> throw new IllegalArgumentException("a dimension is a number, a name or a Dim, not " + dim);
            });
        }
        return new Spec(type, list);
    }

    /**
     * The tensor that it is for some sizes.
     *
     * @throws IllegalArgumentException if a free dimension has none
     */
    public TensorDesc at(Sizes sizes) {
        return TensorDesc.of(type, dims.stream().mapToLong(d -> d.isFree() ? sizes.get(d.name()) : d.size()).toArray());
    }

    /** As {@code F32 [tokens, 384]}. */
    @Override
    public String toString() {
        return type + " " + dims;
    }
}
