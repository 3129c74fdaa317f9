package dev.gatun.tensor.weights;

import dev.gatun.bindings.kernels.MatrixKernels;
import dev.gatun.bindings.kernels.NarrowKernels;
import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.bindings.kernels.RecurrentKernels;
import dev.gatun.tensor.Cell;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.RecurrentShape;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * Weights of a recurrent layer, of each direction, in the order in which the kernel reads them. Immutable, owned by the program's arena.
 */
public final class RecurrentWeights {
    private final MemorySegment.Scope owner;
    private final RecurrentShape shape;
    private final List<Packed> directions;
    private final Precision precision;
    private double lost;

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

    private RecurrentWeights(Arena arena, RecurrentShape shape, List<Source> sources, Precision precision) {
        this.owner = arena.scope();
        this.shape = shape;
        this.precision = precision;
        this.directions = sources.stream().map(source -> new Packed(pack(arena, source), source.reverse())).toList();
    }

    /** Packs; the sources are not needed afterwards. Their shapes were checked. Biases are F32 in any precision. */
    public static RecurrentWeights pack(Arena arena, RecurrentShape shape, List<Source> sources, Precision precision) {
        return new RecurrentWeights(arena, shape, sources, precision);
    }

    /** What the weights are. */
    public Precision precision() {
        return precision;
    }

    /** The most that rounding lost of one of the matrices; see {@code Narrowing}. */
    public double lost() {
        return lost;
    }

    /** The arena that owns the memory. */
    public MemorySegment.Scope owner() {
        return owner;
    }

    private RecurrentKernels.Direction pack(Arena arena, Source source) {
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
            MemorySegment more = split ? pack(arena, precision, source.state().segment(), hidden, 2, 1)
                    : source.projection() == null ? null : projection(arena, source.projection());
            return new RecurrentKernels.Direction(pack(arena, precision, source.input().segment(), shape.inputSize(), 0, gates),
                    pack(arena, Precision.F32, bias, 1, 0, gates),
                    pack(arena, precision, source.state().segment(), shape.width(), 0, split ? 2 : gates), more,
                    late && source.stateBias() != null ? pack(arena, Precision.F32, source.stateBias().segment(), 1, 2, 1) : null);
        }
    }

    private MemorySegment pack(Arena arena, Precision as, MemorySegment weights, long k, long first, long gates) {
        int type = as.kernelCode();
        MemorySegment packed = NativeBuffer.allocate(arena, RecurrentKernels.byteSize(type, k, shape.hidden(), gates)).segment();
        lost = Math.max(lost, RecurrentKernels.pack(type, weights, k, shape.hidden(), first, gates, packed));
        return packed;
    }

    private MemorySegment projection(Arena arena, Tensor weight) {
        int type = precision.kernelCode();
        if (type != 0) {
            MemorySegment to = NativeBuffer.allocate(arena, NarrowKernels.byteSize(type, shape.hidden(), shape.projected())).segment();
            lost = Math.max(lost, NarrowKernels.pack(type, weight.segment(), shape.hidden(), shape.projected(), 1, shape.hidden(), to)
                    .lost());
            return to;
        }
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
