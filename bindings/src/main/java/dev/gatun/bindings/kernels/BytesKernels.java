package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.kernels.gen.gatun_bytes_args;
import dev.gatun.bindings.kernels.gen.gatun_bytes_source;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Exact products with weights that are bytes in their file. A call's argument block is filled once: what is returned computes each time it
 * is run, and allocates nothing. Formulas are in {@code native/include/gatun.h}. A null operand is absent. The operands' owner must outlive
 * the arena.
 */
public final class BytesKernels {
    /** Deepest K. */
    public static final int DEPTH = GatunC.GATUN_BYTES_DEPTH();

    private BytesKernels() {
    }

    /** Types of a product's left operand. */
    public enum Kind {
        /** Floats, which become bytes for all rows together. */
        F32,
        /** Unsigned. */
        U8,
        /** Signed. */
        S8
    }

    /**
     * Packed weights; a view, whose memory is that of whoever packed them.
     *
     * @param segment as many bytes as {@link #byteSize} says
     * @param k       rows
     * @param n       columns
     */
    public record Packed(MemorySegment segment, long k, long n) {
    }

    /** Bytes that weights [k, n] take when packed. */
    public static long byteSize(long k, long n) {
        Kernels.load();
        return GatunC.gatun_bytes_packed_bytes(k, n);
    }

    /**
     * Packs signed bytes [k, n].
     *
     * @param zeros  zero points, signed bytes [n]
     * @param scales F32 [n]
     */
    public static Packed pack(MemorySegment b, MemorySegment zeros, MemorySegment scales, long k, long n, MemorySegment packed) {
        Kernels.load();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment source = gatun_bytes_source.allocate(arena);
            gatun_bytes_source.b(source, b);
            gatun_bytes_source.zeros(source, zeros);
            gatun_bytes_source.scales(source, scales);
            gatun_bytes_source.k(source, k);
            gatun_bytes_source.n(source, n);
            gatun_bytes_source.k_stride(source, n);
            gatun_bytes_source.n_stride(source, 1);
            gatun_bytes_source.zero_stride(source, 1);
            gatun_bytes_source.scale_stride(source, 1);
            gatun_bytes_source.type(source, GatunC.GATUN_S8());
            GatunC.gatun_bytes_pack(source, packed);
        }
        return new Packed(packed, k, n);
    }

    /** Bytes of temporary memory that a product of m rows needs. */
    public static long scratchBytes(Packed b, long m) {
        Kernels.load();
        return GatunC.gatun_bytes_scratch_bytes(m, b.k);
    }

    /**
     * c[m, n] = activation(a[m, k] x b + bias + sum), all dense; a is F32, and becomes bytes for all rows together.
     *
     * @param scratch    {@link #scratchBytes}
     * @param activation a {@code GATUN_} constant, see {@link Kernels}
     */
    public static Runnable product(Arena arena, MemorySegment a, Packed b, MemorySegment bias, MemorySegment sum, MemorySegment c,
            MemorySegment scratch, long m, int activation) {
        MemorySegment args = args(arena, a, b, c, scratch, m, Kind.F32);
        gatun_bytes_args.bias(args, Kernels.orNull(bias));
        gatun_bytes_args.sum(args, Kernels.orNull(sum));
        gatun_bytes_args.activation(args, activation);
        return () -> GatunC.gatun_bytes(args);
    }

    /**
     * c[m, n], 32 bits, = (a[m, k] - zero) x b without scales.
     *
     * @param zero one byte of a's kind, or null
     */
    public static Runnable sums(Arena arena, Kind kind, MemorySegment a, MemorySegment zero, Packed b, MemorySegment c,
            MemorySegment scratch, long m) {
        MemorySegment args = args(arena, a, b, c, scratch, m, kind);
        gatun_bytes_args.a_zero(args, Kernels.orNull(zero));
        gatun_bytes_args.whole(args, 1);
        return () -> GatunC.gatun_bytes(args);
    }

    private static MemorySegment args(Arena arena, MemorySegment a, Packed b, MemorySegment c, MemorySegment scratch, long m, Kind kind) {
        Kernels.load();
        MemorySegment args = gatun_bytes_args.allocate(arena);
        gatun_bytes_args.a(args, a);
        gatun_bytes_args.b(args, b.segment);
        gatun_bytes_args.bias(args, MemorySegment.NULL);
        gatun_bytes_args.sum(args, MemorySegment.NULL);
        gatun_bytes_args.c(args, c);
        gatun_bytes_args.scratch(args, Kernels.orNull(scratch));
        gatun_bytes_args.a_scale(args, MemorySegment.NULL);
        gatun_bytes_args.a_zero(args, MemorySegment.NULL);
        gatun_bytes_args.m(args, m);
        gatun_bytes_args.n(args, b.n);
        gatun_bytes_args.k(args, b.k);
        gatun_bytes_args.activation(args, GatunC.GATUN_NONE());
        gatun_bytes_args.a_type(args, switch (kind) {
            case F32 -> GatunC.GATUN_F32();
            case U8 -> GatunC.GATUN_U8();
            case S8 -> GatunC.GATUN_S8();
        });
        gatun_bytes_args.whole(args, 0);
        return args;
    }
}
