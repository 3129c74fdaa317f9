package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.kernels.gen.gatun_gemm_args;
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

    private MatrixKernels() {
    }

    /** Floats that weights [k, n] take when packed. */
    public static long panelFloats(long k, long n) {
        Kernels.load();
        return GatunC.gatun_panel_floats(k, n);
    }

    /** Packs weights whose element (p, j) is {@code b[p * kStride + j * nStride]}. */
    public static void packPanels(MemorySegment b, long k, long n, long kStride, long nStride, MemorySegment packed) {
        Kernels.load();
        GatunC.gatun_pack_panels(b, k, n, kStride, nStride, packed);
    }

    /**
     * c[m, n] = activation(a[m, k] x b + bias + sum), all row-major and dense but b, which is packed.
     *
     * @param activation a {@code GATUN_} constant, see {@link Kernels}
     */
    public static Runnable gemm(Arena arena, MemorySegment a, MemorySegment b, MemorySegment bias, MemorySegment sum, MemorySegment c,
            long m, long n, long k, int activation) {
        Kernels.load();
        MemorySegment args = gatun_gemm_args.allocate(arena);
        gatun_gemm_args.a(args, a);
        gatun_gemm_args.b(args, b);
        gatun_gemm_args.bias(args, orNull(bias));
        gatun_gemm_args.sum(args, orNull(sum));
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
     * Sizes of a 3 x 3 convolution with stride 1 over channels-last pictures.
     *
     * @param n   pictures
     * @param h   height of the source
     * @param w   width of the source
     * @param c   its channels, a multiple of {@link #WINOGRAD_CHANNELS}
     * @param oc  channels of the result, likewise
     * @param pad zeros around the source
     */
    public record Convolution(long n, long h, long w, long c, long oc, long pad) {
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

    /** dst = activation(conv(src) + bias + sum); the activation is none or ReLU, and sum may be dst. */
    public static Runnable winograd(Arena arena, Convolution sizes, MemorySegment src, MemorySegment u, MemorySegment bias,
            MemorySegment sum, MemorySegment dst, MemorySegment scratch, int activation) {
        Kernels.load();
        MemorySegment args = args(arena, sizes);
        gatun_winograd_args.src(args, src);
        gatun_winograd_args.u(args, u);
        gatun_winograd_args.bias(args, orNull(bias));
        gatun_winograd_args.sum(args, orNull(sum));
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
        return args;
    }

    private static MemorySegment orNull(MemorySegment segment) {
        return segment == null ? MemorySegment.NULL : segment;
    }
}
