package dev.gatun.tensor.weights;

import dev.gatun.bindings.kernels.ByteKernels;
import dev.gatun.bindings.kernels.BytesKernels;
import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Packed weights of a convolution or linear layer over bytes, and what its sums are worth. Owned by the model's arena. */
public final class ByteFilters {
    private final Shape shape;
    private final ByteKernels.Filters sizes;
    private final MemorySegment packed;

    private ByteFilters(Shape shape, ByteKernels.Filters sizes, MemorySegment packed) {
        this.shape = shape;
        this.sizes = sizes;
        this.packed = packed;
    }

    /**
     * Where weights come from. Arrays have an element for each of OC.
     *
     * @param weight  U8 or S8 [OC, C / groups, KH, KW], [OC, C / groups, KW] or [OC, C]; copied
     * @param groups  of channels
     * @param zeros   zero points of the weights, or null
     * @param bias    added to sums, or null
     * @param factors what a sum is worth, or null for 1
     * @param add     added last, or null
     */
    public record Source(Tensor weight, long groups, int[] zeros, int[] bias, float[] factors, float[] add) {
    }

    /** @param arena the model's */
    public static ByteFilters of(Arena arena, Source s) {
        Shape w = s.weight.shape();
        long taps = w.rank() < 2 || w.rank() > 4 || w.elementCount() == 0 ? 0 : w.elementCount() / w.dim(0);
        if (taps == 0 || taps > BytesKernels.DEPTH || s.weight.type() != DataType.U8 && s.weight.type() != DataType.S8
                || w.dim(0) % s.groups != 0) {
            throw new ShapeException("ByteFilters", "weight " + s.weight.desc() + " of " + s.groups
                    + " groups: expected U8 or S8 [OC, C, KH, KW] with at most " + BytesKernels.DEPTH + " taps", w);
        }
        int rank = w.rank();
        ByteKernels.Filters sizes = new ByteKernels.Filters(s.groups, w.dim(0), w.dim(1), rank > 3 ? w.dim(2) : 1,
                rank > 2 ? w.dim(rank - 1) : 1);
        MemorySegment packed = NativeBuffer.allocate(arena, sizes.byteSize()).segment();
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment zeros = s.zeros == null ? null : temporary.allocate(s.zeros.length);
            for (int i = 0; zeros != null && i < s.zeros.length; i++) {
                zeros.set(ValueLayout.JAVA_BYTE, i, (byte) s.zeros[i]);
            }
            ByteKernels.pack(sizes, s.weight.type() == DataType.U8 ? ByteKernels.Kind.U8 : ByteKernels.Kind.S8, s.weight.segment(),
                    new ByteKernels.Ends(zeros, s.bias == null ? null : temporary.allocateFrom(ValueLayout.JAVA_INT, s.bias),
                            floats(temporary, s.factors), floats(temporary, s.add)), packed);
        }
        return new ByteFilters(w, sizes, packed);
    }

    private static MemorySegment floats(Arena arena, float[] values) {
        return values == null ? null : arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
    }

    /** The arena that owns the memory. */
    public MemorySegment.Scope owner() {
        return packed.scope();
    }

    /** As the file has it. */
    public Shape shape() {
        return shape;
    }

    /** Groups of channels. */
    public long groups() {
        return sizes.groups();
    }

    /** As the kernel sees it. */
    public ByteKernels.Filters sizes() {
        return sizes;
    }

    /** For the kernel. */
    public MemorySegment packed() {
        return packed;
    }
}
