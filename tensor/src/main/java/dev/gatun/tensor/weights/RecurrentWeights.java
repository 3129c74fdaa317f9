package dev.gatun.tensor.weights;

import dev.gatun.bindings.kernels.MatrixKernels;
import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.bindings.kernels.RecurrentKernels;
import dev.gatun.tensor.Cell;
import dev.gatun.tensor.RecurrentShape;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Weights of a recurrent layer, of each direction, in the order in which the kernel reads them. Immutable, owned by the program's arena.
 */
public final class RecurrentWeights {
    private final MemorySegment.Scope owner;
    private final RecurrentShape shape;
    private final List<Packed> directions;

    /**
     * Packed weights of a direction.
     *
     * @param weights of it
     * @param reverse whether it begins at the end of each sequence
     */
    public record Packed(RecurrentKernels.Direction weights, boolean reverse) {
    }

    /**
     * One direction's weights, F32, gates in the cell's order.
     *
     * @param input      [gates x hidden, inputSize]
     * @param state      [gates x hidden, width]
     * @param inputBias  [gates x hidden], or null
     * @param stateBias  [gates x hidden], or null
     * @param projection [projected, hidden], or null
     * @param reverse    whether it begins at the end
     */
    public record Source(Tensor input, Tensor state, Tensor inputBias, Tensor stateBias, Tensor projection, boolean reverse) {
    }

    private RecurrentWeights(MemorySegment.Scope owner, RecurrentShape shape, List<Packed> directions) {
        this.owner = owner;
        this.shape = shape;
        this.directions = List.copyOf(directions);
    }

    /** Packs; the sources are not needed afterwards. Their shapes were checked. */
    public static RecurrentWeights pack(Arena arena, RecurrentShape shape, List<Source> sources) {
        List<Packed> packed = new ArrayList<>();
        for (Source source : sources) {
            packed.add(new Packed(pack(arena, shape, source), source.reverse()));
        }
        return new RecurrentWeights(arena.scope(), shape, packed);
    }

    /** The arena that owns the memory. */
    public MemorySegment.Scope owner() {
        return owner;
    }

    private static RecurrentKernels.Direction pack(Arena arena, RecurrentShape shape, Source source) {
        long hidden = shape.hidden();
        int gates = shape.cell().gates();
        boolean late = shape.cell() == Cell.GRU;
        boolean split = shape.cell() == Cell.GRU_RESET_FIRST;
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment bias = temporary.allocate(gates * hidden * Float.BYTES, Float.BYTES);
            for (long i = 0; i < gates * hidden; i++) {
                // What the reset gate multiplies is not part of the input's product.
                float state = source.stateBias() == null || late && i >= 2 * hidden ? 0 : source.stateBias().getFloat(i);
                bias.setAtIndex(ValueLayout.JAVA_FLOAT, i, (source.inputBias() == null ? 0 : source.inputBias().getFloat(i)) + state);
            }
            MemorySegment more = split ? pack(arena, source.state().segment(), hidden, hidden, 2, 1)
                    : source.projection() == null ? null : projection(arena, source.projection(), shape);
            return new RecurrentKernels.Direction(pack(arena, source.input().segment(), shape.inputSize(), hidden, 0, gates),
                    pack(arena, bias, 1, hidden, 0, gates),
                    pack(arena, source.state().segment(), shape.width(), hidden, 0, split ? 2 : gates), more,
                    late && source.stateBias() != null ? pack(arena, source.stateBias().segment(), 1, hidden, 2, 1) : null);
        }
    }

    private static MemorySegment pack(Arena arena, MemorySegment weights, long k, long hidden, long first, long gates) {
        MemorySegment packed = NativeBuffer.allocate(arena, RecurrentKernels.floats(k, hidden, gates) * Float.BYTES).segment();
        RecurrentKernels.pack(weights, k, hidden, first, gates, packed);
        return packed;
    }

    private static MemorySegment projection(Arena arena, Tensor weight, RecurrentShape shape) {
        long floats = MatrixKernels.panelFloats(shape.hidden(), shape.projected());
        MemorySegment packed = NativeBuffer.allocate(arena, floats * Float.BYTES).segment();
        return MatrixKernels.packPanels(weight.segment(), shape.hidden(), shape.projected(), 1, shape.hidden(), packed).segment();
    }

    /** Sizes. */
    public RecurrentShape shape() {
        return shape;
    }

    /** In the order of the results' columns. */
    public List<Packed> directions() {
        return directions;
    }
}
