package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.kernels.gen.gatun_narrow_args;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Products with weights in halves and bytes. A call's argument block is filled once: what is returned computes each time it is run, and
 * allocates nothing. Formulas are in {@code native/include/gatun.h}. A null operand is absent. The operands' owner must outlive the arena.
 */
public final class NarrowKernels {
    /** Kinds of weights. */
    public static final int F16 = GatunC.GATUN_F16();
    /** The upper halves of F32. */
    public static final int BF16 = GatunC.GATUN_BF16();
    /** Bytes with a scale for each column. */
    public static final int INT8 = GatunC.GATUN_INT8();

    /** Deepest K of {@link #INT8}. */
    public static final int INT8_DEPTH = GatunC.GATUN_INT8_DEPTH();

    private NarrowKernels() {
    }

    /** Whether products of {@link #INT8} are added in 16 bits, for which columns of weights have larger scales; see {@code gatun.h}. */
    public static boolean pairs() {
        Kernels.load();
        return GatunC.gatun_narrow_pairs() != 0;
    }

    /**
     * Packed weights; a view, whose memory is that of whoever packed them.
     *
     * @param segment as many bytes as {@link #byteSize} says
     * @param type    {@link #F16}, {@link #BF16} or {@link #INT8}
     * @param k       rows
     * @param n       columns
     * @param lost    what rounding changed, as a share of the weights, see {@code gatun.h}; NaN if they are not finite
     */
    public record Packed(MemorySegment segment, int type, long k, long n, double lost) {
    }

    /** Bytes that weights [k, n] take when packed. */
    public static long byteSize(int type, long k, long n) {
        Kernels.load();
        return GatunC.gatun_narrow_bytes(type, k, n);
    }

    /** Packs weights whose element (p, j) is {@code b[p * kStride + j * nStride]}. */
    public static Packed pack(int type, MemorySegment b, long k, long n, long kStride, long nStride, MemorySegment packed) {
        Kernels.load();
        return new Packed(packed, type, k, n, GatunC.gatun_narrow_pack(type, b, k, n, kStride, nStride, packed));
    }

    /** Bytes of temporary memory that a product of m rows needs. */
    public static long scratchBytes(Packed b, long m) {
        Kernels.load();
        return GatunC.gatun_narrow_scratch_bytes(b.type, m, b.k);
    }

    /**
     * c[m, n] = activation(a[m, k] x b + bias + sum), all row-major and dense but b, which is packed.
     *
     * @param scratch    {@link #scratchBytes}
     * @param activation a {@code GATUN_} constant, see {@link Kernels}
     */
    public static Runnable product(Arena arena, MemorySegment a, Packed b, MemorySegment bias, MemorySegment sum, MemorySegment c,
            MemorySegment scratch, long m, int activation) {
        Kernels.load();
        MemorySegment args = gatun_narrow_args.allocate(arena);
        gatun_narrow_args.a(args, a);
        gatun_narrow_args.b(args, b.segment);
        gatun_narrow_args.bias(args, Kernels.orNull(bias));
        gatun_narrow_args.sum(args, Kernels.orNull(sum));
        gatun_narrow_args.c(args, c);
        gatun_narrow_args.scratch(args, Kernels.orNull(scratch));
        gatun_narrow_args.lda(args, b.k);
        gatun_narrow_args.ldc(args, b.n);
        gatun_narrow_args.sum_stride(args, b.n);
        gatun_narrow_args.m(args, m);
        gatun_narrow_args.n(args, b.n);
        gatun_narrow_args.k(args, b.k);
        gatun_narrow_args.activation(args, activation);
        gatun_narrow_args.type(args, b.type);
        return () -> GatunC.gatun_narrow(args);
    }
}
