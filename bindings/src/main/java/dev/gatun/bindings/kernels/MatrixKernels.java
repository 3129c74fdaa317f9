package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.kernels.gen.gatun_gemm_args;
import dev.gatun.bindings.kernels.gen.gatun_stem_args;
import dev.gatun.bindings.kernels.gen.gatun_winograd_args;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Products with packed weights, and convolutions made of them. A call's argument block is filled once: what is returned computes
 * each time it is run, and allocates nothing. Layouts are in {@code native/include/gatun.h}. A null operand is absent. The
 * operands' owner must outlive the arena.
 */
public final class MatrixKernels {
    /** Channels of pictures that {@link #winograd} takes come in multiples of this. */
    public static final int WINOGRAD_CHANNELS = GatunC.GATUN_WINOGRAD_CHANNELS();

    /** Most taps, C x KH x KW, of {@link #stem}. */
    public static final int STEM_DEPTH = GatunC.GATUN_STEM_DEPTH();

    private MatrixKernels() {
    }

    /** Floats that weights [k, n] take when packed. */
    public static long panelFloats(long k, long n) {
        Kernels.load();
        return GatunC.gatun_panel_floats(k, n);
    }

    /**
     * Packed weights; a view, whose memory is that of whoever packed them.
     *
     * @param segment F32, as many as {@link #panelFloats} says
     * @param finite  whether there is neither a NaN nor an infinity, so that a zero's products need no computing
     */
    public record Panels(MemorySegment segment, boolean finite) {
    }

    /** Packs weights whose element (p, j) is {@code b[p * kStride + j * nStride]}. */
    public static Panels packPanels(MemorySegment b, long k, long n, long kStride, long nStride, MemorySegment packed) {
        return new Panels(packed, pack(b, k, n, kStride, nStride, packed));
    }

    /**
     * The same for weights that change; allocates nothing.
     *
     * @return whether all are finite
     */
    public static boolean pack(MemorySegment b, long k, long n, long kStride, long nStride, MemorySegment packed) {
        Kernels.load();
        return GatunC.gatun_pack_panels(b, k, n, kStride, nStride, packed) != 0;
    }

    /**
     * c[m, n] = activation(a[m, k] x b + bias + sum), all row-major and dense but b, which is packed. Where a has few rows, rows of
     * b that meet only zeros are not read.
     *
     * @param activation a {@code GATUN_} constant, see {@link Kernels}
     */
    public static Runnable gemm(Arena arena, MemorySegment a, Panels b, MemorySegment bias, MemorySegment sum, MemorySegment c,
            long m, long n, long k, int activation) {
        Kernels.load();
        MemorySegment args = gatun_gemm_args.allocate(arena);
        gatun_gemm_args.a(args, a);
        gatun_gemm_args.b(args, b.segment);
        gatun_gemm_args.finite(args, b.finite ? 1 : 0);
        gatun_gemm_args.bias(args, Kernels.orNull(bias));
        gatun_gemm_args.sum(args, Kernels.orNull(sum));
        gatun_gemm_args.c(args, c);
        gatun_gemm_args.lda(args, k);
        gatun_gemm_args.ldc(args, n);
        gatun_gemm_args.sum_stride(args, n);
        gatun_gemm_args.m(args, m);
        gatun_gemm_args.n(args, n);
        gatun_gemm_args.k(args, k);
        gatun_gemm_args.activation(args, activation);
        return () -> GatunC.gatun_gemm(args);
    }

    /**
     * Sizes of a convolution.
     *
     * @param n    pictures
     * @param h    height of the source
     * @param w    width of the source
     * @param c    its channels; for {@link #winograd} a multiple of {@link #WINOGRAD_CHANNELS}
     * @param oc   channels of the result, a multiple of {@link #WINOGRAD_CHANNELS}
     * @param pad  zeros around the source
     * @param pool whether the result is the largest of each two by two pixels
     */
    public record Convolution(long n, long h, long w, long c, long oc, long pad, boolean pool) {
    }

    /** Floats that transformed weights take. */
    public static long winogradFloats(long c, long oc) {
        Kernels.load();
        return GatunC.gatun_winograd_floats(c, oc);
    }

    /** Transforms weights [oc, c, 3, 3]. */
    public static void packWinograd(MemorySegment weights, long c, long oc, MemorySegment u) {
        Kernels.load();
        GatunC.gatun_winograd_pack(weights, c, oc, u);
    }

    /** Bytes of temporary memory that a convolution on so many threads needs. */
    public static long winogradScratchBytes(Convolution sizes, int threads) {
        Kernels.load();
        try (Arena arena = Arena.ofConfined()) {
            return GatunC.gatun_winograd_scratch_bytes(args(arena, sizes), threads);
        }
    }

    /** dst = activation(conv(src) + bias + sum); the activation is none or ReLU; sum may be dst, and is null where pixels are pooled. */
    public static Runnable winograd(Arena arena, Convolution sizes, MemorySegment src, MemorySegment u, MemorySegment bias,
            MemorySegment sum, MemorySegment dst, MemorySegment scratch, int activation) {
        Kernels.load();
        MemorySegment args = args(arena, sizes);
        gatun_winograd_args.src(args, src);
        gatun_winograd_args.u(args, u);
        gatun_winograd_args.bias(args, Kernels.orNull(bias));
        gatun_winograd_args.sum(args, Kernels.orNull(sum));
        gatun_winograd_args.dst(args, dst);
        gatun_winograd_args.scratch(args, scratch);
        gatun_winograd_args.activation(args, activation);
        return () -> GatunC.gatun_winograd(args);
    }

    private static MemorySegment args(Arena arena, Convolution sizes) {
        MemorySegment args = gatun_winograd_args.allocate(arena);
        gatun_winograd_args.n(args, sizes.n);
        gatun_winograd_args.h(args, sizes.h);
        gatun_winograd_args.w(args, sizes.w);
        gatun_winograd_args.c(args, sizes.c);
        gatun_winograd_args.oc(args, sizes.oc);
        gatun_winograd_args.pad(args, sizes.pad);
        gatun_winograd_args.pool(args, sizes.pool ? 1 : 0);
        return args;
    }

    /**
     * Sizes of a network's first convolution, from planes to channels-last.
     *
     * @param source   its batch, height, width, channels, those of the result and padding, and whether it is pooled
     * @param kernelH  taps of a column
     * @param kernelW  taps of a row
     * @param stride   of both dimensions
     */
    public record Stem(Convolution source, long kernelH, long kernelW, long stride) {
    }

    /** Bytes of temporary memory that a first convolution on so many threads needs. */
    public static long stemScratchBytes(Stem sizes, int threads) {
        Kernels.load();
        try (Arena arena = Arena.ofConfined()) {
            return GatunC.gatun_stem_scratch_bytes(args(arena, sizes), threads);
        }
    }

    /**
     * dst[n, h', w', oc] = activation(conv(src[n, c, h, w]) + bias[oc]), channels-last from planes; with pool dst[n, h' / 2, w' / 2, oc].
     *
     * @param weights    [c x kernelH x kernelW, oc], at most {@link #STEM_DEPTH} rows
     * @param scratch    {@link #stemScratchBytes}
     * @param activation none or ReLU
     */
    public static Runnable stem(Arena arena, Stem sizes, MemorySegment src, Panels weights, MemorySegment bias, MemorySegment dst,
            MemorySegment scratch, int activation) {
        Kernels.load();
        MemorySegment args = args(arena, sizes);
        gatun_stem_args.src(args, src);
        gatun_stem_args.b(args, weights.segment);
        gatun_stem_args.bias(args, Kernels.orNull(bias));
        gatun_stem_args.dst(args, dst);
        gatun_stem_args.scratch(args, scratch);
        gatun_stem_args.activation(args, activation);
        return () -> GatunC.gatun_stem(args);
    }

    private static MemorySegment args(Arena arena, Stem sizes) {
        Convolution source = sizes.source;
        MemorySegment args = gatun_stem_args.allocate(arena);
        gatun_stem_args.n(args, source.n);
        gatun_stem_args.c(args, source.c);
        gatun_stem_args.h(args, source.h);
        gatun_stem_args.w(args, source.w);
        gatun_stem_args.oc(args, source.oc);
        gatun_stem_args.kh(args, sizes.kernelH);
        gatun_stem_args.kw(args, sizes.kernelW);
        gatun_stem_args.stride(args, sizes.stride);
        gatun_stem_args.pad(args, source.pad);
        gatun_stem_args.pool(args, source.pool ? 1 : 0);
        return args;
    }
}
