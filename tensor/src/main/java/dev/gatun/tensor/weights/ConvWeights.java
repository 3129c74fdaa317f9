package dev.gatun.tensor.weights;

import dev.gatun.bindings.kernels.MatrixKernels;
import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Weights and bias of a convolution in the layouts that its kernels want. The first layout is made from the
 * checkpoint when the first plan is compiled; another is made from it only if another shape of input wants one.
 * Shared by every plan of the model, owned by the model's arena, safe for many threads.
 */
public final class ConvWeights {
    private final Arena arena;
    private final Shape shape;
    private final long groups;
    private final boolean transposed;
    private final Tensor bias;
    private final List<Packed> packed = new ArrayList<>();
    private Tensor unpacked;
    private MatrixKernels.Panels panels;
    private MemorySegment winograd;

    /** One layout and the weights in it. */
    public record Packed(MemoryDesc desc, Tensor data) {
    }

    /**
     * A convolution's parameters, as PyTorch stores them.
     *
     * @param weight F32 [OC, IC / groups, KH, KW] or [OC, IC / groups, KW]; of a transposed one [IC, OC / groups, ...]
     * @param bias   F32 [OC], or null
     * @param groups how many parts the channels are divided into; as many as channels for a depthwise one
     */
    public record Source(Tensor weight, Tensor bias, long groups) {
        /** Checks the shapes. */
        public Source {
            Shape w = weight.shape();
            if (w.rank() < 3 || w.rank() > 4 || weight.type() != DataType.F32 || !weight.desc().isRowMajor()
                    || w.elementCount() == 0) {
                throw new ShapeException("Conv", "weight " + weight.desc()
                        + " must be row-major F32 [OC, IC / groups, KH, KW] or [OC, IC / groups, KW]", w);
            }
            if (groups < 1 || w.dim(0) % groups != 0) {
                throw new ShapeException("Conv", "weight " + w + ": " + groups + " groups do not divide " + w.dim(0) + " channels", w);
            }
            if (bias != null && (bias.type() != DataType.F32 || !bias.desc().isRowMajor() || bias.shape().rank() != 1)) {
                throw new ShapeException("Conv", "weight " + w + ", bias " + bias.desc() + ": bias must be row-major F32 [OC]", w,
                        bias.shape());
            }
        }
    }

    private ConvWeights(Arena arena, Source source, boolean transposed) {
        Shape w = source.weight.shape();
        this.arena = arena;
        this.groups = source.groups;
        this.transposed = transposed;
        long[] dims = w.dims();
        if (transposed) {
            dims[0] = w.dim(1) * groups;
            dims[1] = w.dim(0) / groups;
        }
        this.shape = Shape.of(dims);
        if (source.bias != null && source.bias.shape().elementCount() != dims[0]) {
            throw new ShapeException("Conv", "weight " + w + ", bias " + source.bias.desc() + ": bias must have " + dims[0]
                    + " elements", w, source.bias.shape());
        }
        this.bias = source.bias == null ? null : copy(source.bias);
        this.unpacked = source.weight;
    }

    /** Weights of a convolution; the source's weight must live until the first plan is compiled. */
    public static ConvWeights of(Arena arena, Source source) {
        return new ConvWeights(arena, source, false);
    }

    /** Weights of a transposed convolution; the source's weight must live until the first plan is compiled. */
    public static ConvWeights ofTransposed(Arena arena, Source source) {
        return new ConvWeights(arena, source, true);
    }

    /** Dimensions that oneDNN sees: groups come first if there are any. */
    public long[] kernelDims() {
        long[] d = shape.dims();
        if (groups == 1) {
            return d;
        }
        return d.length == 4 ? new long[] {groups, d[0] / groups, d[1], d[2], d[3]}
                : new long[] {groups, d[0] / groups, d[1], d[2]};
    }

    private long[] sourceStrides() {
        long[] strides = Shape.of(kernelDims()).rowMajorStrides();
        if (transposed) {
            // Stored [groups, IC / groups, OC / groups, ...]: output and input channels change places.
            int oc = groups == 1 ? 0 : 1;
            long taps = strides[oc + 1];
            strides[oc] = taps;
            strides[oc + 1] = taps * kernelDims()[oc];
        }
        return strides;
    }

    /** The weights in a layout; packed once and remembered. */
    public synchronized Packed in(MemoryDesc wanted) {
        for (Packed p : packed) {
            if (p.desc.sameAs(wanted)) {
                return p;
            }
        }
        MemoryDesc desc = wanted.copyTo(arena);
        Tensor data = bytes(desc);
        if (unpacked != null) {
            try (Arena temporary = Arena.ofConfined()) {
                Reorder.run(MemoryDesc.ofStrides(temporary, kernelDims(), DataType.F32.oneDnn(), sourceStrides()),
                        unpacked.segment(), desc, data.segment());
            }
            unpacked = null;
        } else {
            Packed first = packed.getFirst();
            Reorder.run(first.desc, first.data.segment(), desc, data.segment());
        }
        Packed made = new Packed(desc, data);
        packed.add(made);
        return made;
    }

    /** [C x KH x KW, OC], packed for our own product or first convolution. */
    public synchronized MatrixKernels.Panels panels() {
        if (panels == null) {
            long oc = shape.dim(0);
            long c = shape.elementCount() / oc;
            MemorySegment made = NativeBuffer.allocate(arena, MatrixKernels.panelFloats(c, oc) * Float.BYTES).segment();
            withRowMajor(source -> panels = MatrixKernels.packPanels(source, c, oc, 1, c, made));
        }
        return panels;
    }

    /** Of a 3 x 3 convolution, transformed. */
    public synchronized MemorySegment winograd() {
        if (winograd == null) {
            long c = shape.dim(1);
            long oc = shape.dim(0);
            MemorySegment made = NativeBuffer.allocate(arena, MatrixKernels.winogradFloats(c, oc) * Float.BYTES).segment();
            withRowMajor(source -> MatrixKernels.packWinograd(source, c, oc, made));
            winograd = made;
        }
        return winograd;
    }

    /** Shows the weights as the checkpoint has them; they were packed for oneDNN before if that is how they are kept. */
    private void withRowMajor(Consumer<MemorySegment> packer) {
        if (unpacked != null) {
            packer.accept(unpacked.segment());
            return;
        }
        try (Arena temporary = Arena.ofConfined()) {
            MemoryDesc plain = MemoryDesc.ofStrides(temporary, kernelDims(), DataType.F32.oneDnn(), sourceStrides());
            MemorySegment copy = NativeBuffer.allocate(temporary, plain.byteSize()).segment();
            Reorder.run(packed.getFirst().desc, packed.getFirst().data.segment(), plain, copy);
            packer.accept(copy);
        }
    }

    private Tensor bytes(MemoryDesc desc) {
        long size = desc.byteSize();
        MemorySegment segment = NativeBuffer.allocate(arena, size).segment();
        return Tensor.of(TensorDesc.of(DataType.U8, size), segment);
    }

    private Tensor copy(Tensor source) {
        Tensor copy = Tensor.of(TensorDesc.of(DataType.F32, source.shape().elementCount()),
                NativeBuffer.allocate(arena, source.desc().byteSize()).segment());
        copy.segment().copyFrom(source.segment());
        return copy;
    }

    /** The arena that owns the memory. */
    public MemorySegment.Scope owner() {
        return arena.scope();
    }

    /** OC. */
    public long outChannels() {
        return shape.dim(0);
    }

    /** IC. */
    public long inChannels() {
        return shape.dim(1) * groups;
    }

    /** [OC, IC / groups, KH, KW] or [OC, IC / groups, KW], of a transposed one too. */
    public Shape shape() {
        return shape;
    }

    /** Number of groups. */
    public long groups() {
        return groups;
    }

    /** Whether these are a transposed convolution's. */
    public boolean transposed() {
        return transposed;
    }

    /** Size of the kernel along a spatial dimension. */
    public long kernel(int i) {
        return shape.dim(2 + i);
    }

    /** F32 [OC] or null. */
    public Tensor bias() {
        return bias;
    }

    /** Bytes of native memory, every layout included. */
    public synchronized long nativeByteSize() {
        long bytes = bias == null ? 0 : bias.desc().byteSize();
        for (Packed p : packed) {
            bytes += p.data.segment().byteSize();
        }
        return bytes + (panels == null ? 0 : panels.segment().byteSize()) + (winograd == null ? 0 : winograd.byteSize());
    }
}
