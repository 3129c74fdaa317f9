package dev.gatun.tensor.weights;

import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.OneDnn;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Weights of a convolution or a linear layer as signed bytes, with a scale for each output channel, in the layouts that the
 * kernels want. Owned by the model's arena, shared by every plan, safe for many threads.
 */
public final class Int8Weights {
    private final Arena arena;
    private final Shape shape;
    private final Tensor plain;
    private final Tensor scales;
    private final Tensor bias;
    private final List<ConvWeights.Packed> packed = new ArrayList<>();

    private Int8Weights(Arena arena, Tensor weight, Tensor scales, Tensor bias) {
        this.arena = arena;
        this.shape = weight.shape();
        this.plain = copy(weight);
        this.scales = copy(scales);
        this.bias = bias == null ? null : copy(bias);
    }

    /**
     * Copies weights into the model's arena; the tensors are not needed afterwards.
     *
     * @param weight S8 [OC, IC, KH, KW] or [out, in]
     * @param scales F32 [OC], what one unit of each output channel's weights is worth
     * @param bias   F32 [OC], or null
     */
    public static Int8Weights of(Arena arena, Tensor weight, Tensor scales, Tensor bias) {
        Shape w = weight.shape();
        boolean fits = weight.type() == DataType.S8 && weight.desc().isRowMajor() && (w.rank() == 2 || w.rank() == 4)
                && w.elementCount() > 0;
        for (Tensor t : bias == null ? new Tensor[] {scales} : new Tensor[] {scales, bias}) {
            fits &= t.type() == DataType.F32 && t.desc().isRowMajor() && t.shape().elementCount() == w.dim(0);
        }
        if (!fits) {
            throw new ShapeException("Int8Weights", "weight " + weight.desc() + ", scales " + scales.desc() + ", bias "
                    + (bias == null ? "none" : bias.desc()) + ": expected S8 [OC, IC, KH, KW] or [out, in] and F32 [OC]", w,
                            scales.shape());
        }
        return new Int8Weights(arena, weight, scales, bias);
    }

    /**
     * Whether this processor sums products of bytes in 32 bits. Those without VNNI sum pairs in 16 bits, which overflow if
     * weights use all 8 bits: give them weights of 7.
     */
    public static boolean sumsAreExact() {
        return switch (OneDnn.cpuIsa()) {
            case "default", "sse41", "avx", "avx2", "avx512_core" -> false;
            default -> true;
        };
    }

    /** The weights in a layout; packed once and remembered. */
    public synchronized ConvWeights.Packed in(MemoryDesc wanted) {
        for (ConvWeights.Packed p : packed) {
            if (p.desc().sameAs(wanted)) {
                return p;
            }
        }
        MemoryDesc desc = wanted.copyTo(arena);
        Tensor data = Tensor.of(TensorDesc.of(DataType.U8, desc.byteSize()), NativeBuffer.allocate(arena, desc.byteSize()).segment());
        try (Arena temporary = Arena.ofConfined()) {
            Reorder.run(plainDesc(temporary), plain.segment(), desc, data.segment());
        }
        ConvWeights.Packed made = new ConvWeights.Packed(desc, data);
        packed.add(made);
        return made;
    }

    /** A linear layer's product wants [in, out]. */
    private MemoryDesc plainDesc(Arena temporary) {
        long[] dims = kernelDims();
        return shape.rank() == 4 ? MemoryDesc.ofStrides(temporary, dims, DataType.S8.oneDnn(), shape.rowMajorStrides())
                : MemoryDesc.ofStrides(temporary, dims, DataType.S8.oneDnn(), new long[] {1, shape.dim(1)});
    }

    /** Dimensions that oneDNN sees: [OC, IC, KH, KW] or [in, out]. */
    public long[] kernelDims() {
        return shape.rank() == 4 ? shape.dims() : new long[] {shape.dim(1), shape.dim(0)};
    }

    private Tensor copy(Tensor source) {
        Tensor copy = Tensor.of(source.desc(), NativeBuffer.allocate(arena, source.desc().byteSize()).segment());
        copy.segment().copyFrom(source.segment());
        return copy;
    }

    /** The arena that owns the memory. */
    public MemorySegment.Scope owner() {
        return arena.scope();
    }

    /** [OC, IC, KH, KW] or [out, in]. */
    public Shape shape() {
        return shape;
    }

    /** F32 [OC]. */
    public Tensor scales() {
        return scales;
    }

    /** F32 [OC] or null. */
    public Tensor bias() {
        return bias;
    }
}
