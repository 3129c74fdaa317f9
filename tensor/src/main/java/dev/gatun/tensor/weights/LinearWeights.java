package dev.gatun.tensor.weights;

import dev.gatun.bindings.kernels.BytesKernels;
import dev.gatun.bindings.kernels.MatrixKernels;
import dev.gatun.bindings.kernels.NarrowKernels;
import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.bindings.onednn.Tags;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * Weights [K, N] and bias [N] of a linear layer, copied once into the form that its kernel wants: blocks for oneDNN, rows for OpenBLAS,
 * panels for our own, narrow ones too. Immutable, shared by every plan of the model, owned by the model's arena; the tensors it was made
 * from are not needed afterwards.
 */
public final class LinearWeights {
    /** Who multiplies; GATUN is our own product. */
    public enum Kernel { ONEDNN, OPENBLAS, GATUN }

    /** Rows for which oneDNN is asked for its favourite layout; other counts use the same. */
    static final long TYPICAL_ROWS = 128;

    private final long k;
    private final long n;
    private final Kernel kernel;
    private final MemoryDesc desc;
    private final Tensor data;
    private final MatrixKernels.Panels panels;
    private final NarrowKernels.Packed narrow;
    private final BytesKernels.Packed bytes;
    private final Tensor bias;
    private final long byteSize;

    private LinearWeights(long k, long n, Kernel kernel, MemoryDesc desc, Tensor data, MatrixKernels.Panels panels,
            NarrowKernels.Packed narrow, BytesKernels.Packed bytes, Tensor bias) {
        this.k = k;
        this.n = n;
        this.kernel = kernel;
        this.desc = desc;
        this.data = data;
        this.panels = panels;
        this.narrow = narrow;
        this.bytes = bytes;
        this.bias = bias;
        this.byteSize = packed().byteSize() + (bias == null ? 0 : bias.segment().byteSize());
    }

    /**
     * A source of weights, as a checkpoint stores them.
     *
     * @param weight  F32, [out, in] as PyTorch stores them, or [in, out]
     * @param inOut   whether it is [in, out]
     * @param bias    F32 [out], or null
     */
    public record Source(Tensor weight, boolean inOut, Tensor bias) {
        /** Checks the shapes. */
        public Source {
            Shape w = weight.shape();
            if (w.rank() != 2 || weight.type() != DataType.F32 || !weight.desc().isRowMajor()) {
                throw new ShapeException("Linear", "weight " + weight.desc() + " must be row-major F32 of two dimensions", w);
            }
            long out = w.dim(inOut ? 1 : 0);
            if (bias != null && (bias.shape().elementCount() != out || bias.type() != DataType.F32 || !bias.desc().isRowMajor())) {
                throw new ShapeException("Linear", "weight " + w + ", bias " + bias.desc() + ": bias must be row-major F32 of " + out
                        + " elements", w, bias.shape());
            }
        }

        long in() {
            return weight.shape().dim(inOut ? 0 : 1);
        }

        long out() {
            return weight.shape().dim(inOut ? 1 : 0);
        }
    }

    /** Packs one layer for a given kernel. */
    public static LinearWeights pack(Arena arena, Kernel kernel, Source source) {
        return pack(arena, kernel, List.of(source));
    }

    /**
     * Packs layers that share their input side by side, so that one product computes them all: query, key
     * and value. A missing bias is zero if another layer has one.
     *
     * @param arena the model's
     */
    public static LinearWeights pack(Arena arena, Kernel kernel, List<Source> sources) {
        long n = checkedColumns(sources);
        long k = sources.getFirst().in();
        Tensor bias = joinBias(arena, sources, n);
        if (kernel == Kernel.GATUN) {
            return new LinearWeights(k, n, kernel, null, null, panels(arena, sources, k, n), null, null, bias);
        }
        MemoryDesc desc = kernel == Kernel.ONEDNN ? favourite(arena, k, n) : rowMajor(arena, k, n);
        Tensor data = bytes(arena, desc);
        fill(sources, k, n, desc, data);
        return new LinearWeights(k, n, kernel, desc, data, null, null, null, bias);
    }

    /**
     * Packs layers side by side for our own product with narrow weights, to see what that loses.
     *
     * @param precision F16, BF16 or INT8
     * @throws IllegalArgumentException if K is too large for INT8
     */
    public static NarrowKernels.Packed packNarrow(Arena arena, Precision precision, List<Source> sources) {
        long n = checkedColumns(sources);
        long k = sources.getFirst().in();
        if (precision == Precision.F32) {
            throw new IllegalArgumentException("Linear: " + precision + " is not narrow");
        }
        int type = precision.kernelCode();
        if (precision == Precision.INT8 && k > NarrowKernels.INT8_DEPTH) {
            throw new IllegalArgumentException("Linear: K " + k + " is above " + NarrowKernels.INT8_DEPTH + ", the deepest of int8");
        }
        MemorySegment packed = NativeBuffer.allocate(arena, NarrowKernels.byteSize(type, k, n)).segment();
        try (Arena temporary = Arena.ofConfined()) {
            Source all = join(temporary, sources, k, n);
            return NarrowKernels.pack(type, all.weight().segment(), k, n, all.inOut() ? n : 1, all.inOut() ? 1 : k, packed);
        }
    }

    /**
     * Weights that were packed narrow.
     *
     * @param arena   the model's
     * @param narrow  packed of these sources, in any arena: it is copied
     * @param sources whose biases are meant
     */
    public static LinearWeights of(Arena arena, NarrowKernels.Packed narrow, List<Source> sources) {
        MemorySegment copy = NativeBuffer.allocate(arena, narrow.segment().byteSize()).segment().copyFrom(narrow.segment());
        return new LinearWeights(narrow.k(), narrow.n(), Kernel.GATUN, null, null, null,
                new NarrowKernels.Packed(copy, narrow.type(), narrow.k(), narrow.n(), narrow.lost()), null,
                joinBias(arena, sources, narrow.n()));
    }

    /**
     * Weights that are bytes in their file.
     *
     * @param weight S8 or U8, [out, in] or [in, out]
     * @param inOut  whether it is [in, out]
     * @param scales F32, of each column or one for all; null for 1
     * @param zeros  of weight's type, of each column or one for all; null for 0
     * @param bias   F32 [out], or null
     */
    public record ByteSource(Tensor weight, boolean inOut, Tensor scales, Tensor zeros, Tensor bias) {
        /** Checks types and shapes. */
        public ByteSource {
            Shape w = weight.shape();
            boolean fits = (weight.type() == DataType.S8 || weight.type() == DataType.U8) && weight.desc().isRowMajor() && w.rank() == 2
                    && w.elementCount() > 0;
            long out = fits ? w.dim(inOut ? 1 : 0) : 0;
            fits &= scales == null || scales.type() == DataType.F32 && isOneOrAll(scales, out);
            fits &= zeros == null || zeros.type() == weight.type() && isOneOrAll(zeros, out);
            fits &= bias == null || bias.type() == DataType.F32 && bias.desc().isRowMajor() && bias.shape().elementCount() == out;
            if (!fits) {
                throw new ShapeException("Linear", "weight " + weight.desc() + ": expected U8 or S8 [in, out] or [out, in], not empty, "
                        + "scales F32, zero points of its type, of each output or one for all, and a bias F32 [out]", w);
            }
        }

        private static boolean isOneOrAll(Tensor t, long out) {
            return t.desc().isRowMajor() && (t.shape().elementCount() == 1 || t.shape().elementCount() == out);
        }

        long in() {
            return weight.shape().dim(inOut ? 0 : 1);
        }

        long out() {
            return weight.shape().dim(inOut ? 1 : 0);
        }
    }

    /**
     * Packs layers of bytes that share their input side by side for our own product: a source F32 becomes U8 for all its rows together, as
     * ONNX's DynamicQuantizeLinear says, and sums are exact.
     *
     * @param arena the model's
     */
    public static LinearWeights packBytes(Arena arena, List<ByteSource> sources) {
        long k = sources.getFirst().in();
        long n = sources.stream().mapToLong(ByteSource::out).sum();
        if (k > BytesKernels.DEPTH || sources.stream().anyMatch(s -> s.in() != k)) {
            throw new IllegalArgumentException("Linear: K " + sources.stream().map(ByteSource::in).toList() + " must be the same, at most "
                    + BytesKernels.DEPTH);
        }
        Tensor bias = sources.stream().allMatch(s -> s.bias() == null) ? null
                : Tensor.of(TensorDesc.of(DataType.F32, n), NativeBuffer.allocate(arena, n * Float.BYTES).segment());
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment all = temporary.allocate(k * n);
            MemorySegment zeros = temporary.allocate(n);
            MemorySegment scales = temporary.allocate(n * Float.BYTES, Float.BYTES);
            long column = 0;
            for (ByteSource s : sources) {
                // Unsigned bytes and their zero points, both less 128, are signed ones with the same differences.
                int flip = s.weight().type() == DataType.U8 ? 128 : 0;
                for (long j = 0; j < s.out(); j++, column++) {
                    for (long p = 0; p < k; p++) {
                        byte b = s.weight().segment().get(ValueLayout.JAVA_BYTE, s.inOut() ? p * s.out() + j : j * k + p);
                        all.set(ValueLayout.JAVA_BYTE, p * n + column, (byte) (b ^ flip));
                    }
                    byte zero = s.zeros() == null ? 0 : s.zeros().segment().get(ValueLayout.JAVA_BYTE, j % s.zeros().shape()
                            .elementCount());
                    zeros.set(ValueLayout.JAVA_BYTE, column, (byte) (zero ^ flip));
                    scales.setAtIndex(ValueLayout.JAVA_FLOAT, column, s.scales() == null ? 1 : s.scales().getFloat(j % s.scales().shape()
                            .elementCount()));
                    if (bias != null) {
                        bias.setFloat(column, s.bias() == null ? 0 : s.bias().getFloat(j));
                    }
                }
            }
            MemorySegment packed = NativeBuffer.allocate(arena, BytesKernels.byteSize(k, n)).segment();
            return new LinearWeights(k, n, Kernel.GATUN, null, null, null, null, BytesKernels.pack(all, zeros, scales, k, n, packed), bias);
        }
    }

    /** Columns of all; their sources fit together and are not empty. */
    private static long checkedColumns(List<Source> sources) {
        if (sources.isEmpty()) {
            throw new IllegalArgumentException("Linear: no weights");
        }
        long k = sources.getFirst().in();
        long n = 0;
        for (Source source : sources) {
            if (source.in() != k) {
                throw new ShapeException("Linear", "weights " + sources.getFirst().weight().shape() + " and "
                        + source.weight().shape() + ": K " + k + " != " + source.in(),
                        sources.getFirst().weight().shape(), source.weight().shape());
            }
            n += source.out();
        }
        if (k == 0 || n == 0) {
            throw new ShapeException("Linear", "weight " + sources.getFirst().weight().shape() + " is empty",
                    sources.getFirst().weight().shape());
        }
        return n;
    }

    private static MatrixKernels.Panels panels(Arena arena, List<Source> sources, long k, long n) {
        MemorySegment packed = NativeBuffer.allocate(arena, MatrixKernels.panelFloats(k, n) * Float.BYTES).segment();
        try (Arena temporary = Arena.ofConfined()) {
            Source all = join(temporary, sources, k, n);
            return MatrixKernels.packPanels(all.weight().segment(), k, n, all.inOut() ? n : 1, all.inOut() ? 1 : k, packed);
        }
    }

    private static MemoryDesc rowMajor(Arena arena, long k, long n) {
        return MemoryDesc.ofTag(arena, new long[] {k, n}, DataType.F32.oneDnn(), Tags.AB);
    }

    private static MemoryDesc favourite(Arena arena, long k, long n) {
        try (Arena temporary = Arena.ofConfined()) {
            int f32 = DataType.F32.oneDnn();
            PrimitiveDesc matmul = PrimitiveDesc.matmul(temporary,
                    MemoryDesc.ofTag(temporary, new long[] {TYPICAL_ROWS, k}, f32, Tags.AB),
                    MemoryDesc.ofTag(temporary, new long[] {k, n}, f32, Tags.ANY), null,
                    MemoryDesc.ofTag(temporary, new long[] {TYPICAL_ROWS, n}, f32, Tags.AB),
                    Attributes.create(temporary));
            return matmul.weights(arena, k, n);
        }
    }

    private static Tensor bytes(Arena arena, MemoryDesc desc) {
        long size = desc.byteSize();
        MemorySegment segment = NativeBuffer.allocate(arena, size).segment();
        return Tensor.of(TensorDesc.of(DataType.U8, size), segment);
    }

    private static void fill(List<Source> sources, long k, long n, MemoryDesc desc, Tensor data) {
        try (Arena temporary = Arena.ofConfined()) {
            Source all = join(temporary, sources, k, n);
            long[] strides = all.inOut() ? new long[] {n, 1} : new long[] {1, k};
            MemoryDesc source = MemoryDesc.ofStrides(temporary, new long[] {k, n}, DataType.F32.oneDnn(), strides);
            Reorder.run(source, all.weight().segment(), desc, data.segment());
        }
    }

    /**
     * Weights side by side, without a bias, as the first of them lies. oneDNN cannot write into part of a blocked layout, nor our packing
     * into part of a panel.
     */
    private static Source join(Arena arena, List<Source> sources, long k, long n) {
        Source first = sources.getFirst();
        if (sources.size() == 1) {
            return first;
        }
        MemorySegment joined = NativeBuffer.allocate(arena, k * n * Float.BYTES).segment();
        long column = 0;
        for (Source source : sources) {
            MemorySegment from = source.weight().segment();
            long columns = source.out();
            if (source.inOut() != first.inOut()) {
                for (long i = 0; i < k * columns; i++) {
                    long row = first.inOut() ? i % k : i % columns;
                    long to = first.inOut() ? row * n + column + i / k : (column + row) * k + i / columns;
                    joined.setAtIndex(ValueLayout.JAVA_FLOAT, to, from.getAtIndex(ValueLayout.JAVA_FLOAT, i));
                }
            } else if (first.inOut()) {
                for (long row = 0; row < k; row++) {
                    MemorySegment.copy(from, row * columns * Float.BYTES, joined, (row * n + column) * Float.BYTES, columns * Float.BYTES);
                }
            } else {
                MemorySegment.copy(from, 0, joined, column * k * Float.BYTES, columns * k * Float.BYTES);
            }
            column += columns;
        }
        TensorDesc desc = TensorDesc.of(DataType.F32, first.inOut() ? k : n, first.inOut() ? n : k);
        return new Source(Tensor.of(desc, joined), first.inOut(), null);
    }

    /** Null if no source has one. */
    private static Tensor joinBias(Arena arena, List<Source> sources, long n) {
        if (sources.stream().allMatch(source -> source.bias() == null)) {
            return null;
        }
        Tensor joined = Tensor.of(TensorDesc.of(DataType.F32, n), NativeBuffer.allocate(arena, n * Float.BYTES).segment());
        long offset = 0;
        for (Source source : sources) {
            if (source.bias() != null) {
                MemorySegment.copy(source.bias().segment(), 0, joined.segment(), offset * Float.BYTES, source.out() * Float.BYTES);
            }
            offset += source.out();
        }
        return joined;
    }

    /** The arena that owns the memory. */
    public MemorySegment.Scope owner() {
        return packed().scope();
    }

    private MemorySegment packed() {
        return data != null ? data.segment() : narrow != null ? narrow.segment() : bytes != null ? bytes.segment() : panels.segment();
    }

    /** Input features. */
    public long inFeatures() {
        return k;
    }

    /** Output features. */
    public long outFeatures() {
        return n;
    }

    /** Which library multiplies. */
    public Kernel kernel() {
        return kernel;
    }

    /** Bytes of native memory. */
    public long nativeByteSize() {
        return byteSize;
    }

    /** Of what {@link #data} holds. */
    public MemoryDesc desc() {
        return desc;
    }

    /** For oneDNN and OpenBLAS. */
    public Tensor data() {
        return data;
    }

    /** For our own product. */
    public MatrixKernels.Panels panels() {
        return panels;
    }

    /** For our own product with narrow weights, else null. */
    public NarrowKernels.Packed narrow() {
        return narrow;
    }

    /** For our own product with bytes, else null. */
    public BytesKernels.Packed bytes() {
        return bytes;
    }

    /** F32 [1, N] as oneDNN wants it, or null. */
    public Tensor bias() {
        return bias == null ? null : bias.reshape(1, n);
    }
}
