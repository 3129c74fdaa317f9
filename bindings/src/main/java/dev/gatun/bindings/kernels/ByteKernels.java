package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.kernels.gen.gatun_byte_conv_args;
import dev.gatun.bindings.kernels.gen.gatun_byte_filters;
import dev.gatun.bindings.kernels.gen.gatun_byte_mean_args;
import dev.gatun.bindings.kernels.gen.gatun_byte_pair_args;
import dev.gatun.bindings.kernels.gen.gatun_byte_result;
import dev.gatun.bindings.kernels.gen.gatun_byte_scale_args;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Convolutions over bytes, and what lies between them. A call's argument block is filled once: what is returned computes each time it is
 * run, and allocates nothing. Formulas are in {@code native/include/gatun.h}. The operands' owner must outlive the arena.
 */
public final class ByteKernels {
    private ByteKernels() {
    }

    /** Types of numbers. */
    public enum Kind {
        /** Floats. */
        F32,
        /** Unsigned bytes. */
        U8,
        /** Signed bytes. */
        S8,
        /** Whole numbers of 32 bits. */
        S32;

        private int code() {
            return switch (this) {
                case F32 -> GatunC.GATUN_F32();
                case U8 -> GatunC.GATUN_U8();
                case S8 -> GatunC.GATUN_S8();
                case S32 -> GatunC.GATUN_S32();
            };
        }
    }

    /** What becomes of a number: see {@code gatun_byte_result}. */
    public record Result(Kind kind, int zero, int low, int high) {
        private void put(MemorySegment at) {
            gatun_byte_result.type(at, kind.code());
            gatun_byte_result.zero(at, zero);
            gatun_byte_result.low(at, low);
            gatun_byte_result.high(at, high);
        }
    }

    /** Bytes and the one that is worth nothing. */
    public record Source(Kind kind, MemorySegment segment, int zero) {
    }

    /** Sizes of filters, [oc, c, kh, kw]: oc of all groups, c of one. */
    public record Filters(long groups, long oc, long c, long kh, long kw) {
        /** Bytes that they take when packed. */
        public long byteSize() {
            Kernels.load();
            return GatunC.gatun_byte_filters_bytes(groups, oc, c, kh, kw);
        }
    }

    /** What a filter is worth beside its bytes, for each of oc, or null: zeros of the weights' type, S32 bias, F32 factors and add. */
    public record Ends(MemorySegment zeros, MemorySegment bias, MemorySegment factors, MemorySegment add) {
    }

    /** Packs weights. */
    public static void pack(Filters sizes, Kind kind, MemorySegment weights, Ends ends, MemorySegment packed) {
        Kernels.load();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment f = gatun_byte_filters.allocate(arena);
            gatun_byte_filters.w(f, weights);
            gatun_byte_filters.zeros(f, orNull(ends.zeros));
            gatun_byte_filters.bias(f, orNull(ends.bias));
            gatun_byte_filters.factors(f, orNull(ends.factors));
            gatun_byte_filters.add(f, orNull(ends.add));
            gatun_byte_filters.groups(f, sizes.groups);
            gatun_byte_filters.oc(f, sizes.oc);
            gatun_byte_filters.c(f, sizes.c);
            gatun_byte_filters.kh(f, sizes.kh);
            gatun_byte_filters.kw(f, sizes.kw);
            gatun_byte_filters.type(f, kind.code());
            GatunC.gatun_byte_filters_pack(f, packed);
        }
    }

    private static MemorySegment orNull(MemorySegment segment) {
        return segment == null ? MemorySegment.NULL : segment;
    }

    /** Sizes of a convolution's source and result, and how its window moves; pairs are height and width. */
    public record Convolution(Filters filters, long n, long[] src, long[] dst, long[] strides, long[] dilations, long[] begin) {
    }

    private static MemorySegment args(Arena arena, Convolution c) {
        MemorySegment g = gatun_byte_conv_args.allocate(arena);
        g.fill((byte) 0);
        gatun_byte_conv_args.n(g, c.n);
        gatun_byte_conv_args.h(g, c.src[0]);
        gatun_byte_conv_args.w(g, c.src[1]);
        gatun_byte_conv_args.groups(g, c.filters.groups);
        gatun_byte_conv_args.oc(g, c.filters.oc);
        gatun_byte_conv_args.c(g, c.filters.c);
        gatun_byte_conv_args.kh(g, c.filters.kh);
        gatun_byte_conv_args.kw(g, c.filters.kw);
        gatun_byte_conv_args.oh(g, c.dst[0]);
        gatun_byte_conv_args.ow(g, c.dst[1]);
        gatun_byte_conv_args.stride_h(g, c.strides[0]);
        gatun_byte_conv_args.stride_w(g, c.strides[1]);
        gatun_byte_conv_args.dilation_h(g, c.dilations[0]);
        gatun_byte_conv_args.dilation_w(g, c.dilations[1]);
        gatun_byte_conv_args.top(g, c.begin[0]);
        gatun_byte_conv_args.left(g, c.begin[1]);
        return g;
    }

    /** Bytes of temporary memory of a convolution. */
    public static long scratchBytes(Convolution sizes, int threads) {
        Kernels.load();
        try (Arena arena = Arena.ofConfined()) {
            return GatunC.gatun_byte_conv_scratch_bytes(args(arena, sizes), threads);
        }
    }

    /** A convolution of channels-last pictures. */
    public static Runnable conv(Arena arena, Convolution sizes, Source src, MemorySegment filters, MemorySegment dst, MemorySegment scratch,
            Result result) {
        Kernels.load();
        MemorySegment g = args(arena, sizes);
        gatun_byte_conv_args.src(g, src.segment);
        gatun_byte_conv_args.src_type(g, src.kind.code());
        gatun_byte_conv_args.src_zero(g, src.zero);
        gatun_byte_conv_args.filters(g, filters);
        gatun_byte_conv_args.dst(g, dst);
        gatun_byte_conv_args.scratch(g, orNull(scratch));
        result.put(gatun_byte_conv_args.result(g));
        return () -> GatunC.gatun_byte_conv(g);
    }

    /** Rows of pages: [pages, rows, cols]. */
    public record Pages(long pages, long rows, long cols) {
    }

    /**
     * A sum or product of two, the second [pages, cols].
     *
     * @param factors of both; of a product the first alone
     */
    public static Runnable pair(Arena arena, Pages sizes, Source a, Source b, boolean product, float[] factors, MemorySegment dst,
            Result result) {
        Kernels.load();
        MemorySegment g = gatun_byte_pair_args.allocate(arena);
        gatun_byte_pair_args.a(g, a.segment);
        gatun_byte_pair_args.b(g, b.segment);
        gatun_byte_pair_args.dst(g, dst);
        gatun_byte_pair_args.pages(g, sizes.pages);
        gatun_byte_pair_args.rows(g, sizes.rows);
        gatun_byte_pair_args.cols(g, sizes.cols);
        gatun_byte_pair_args.a_factor(g, factors[0]);
        gatun_byte_pair_args.b_factor(g, factors[1]);
        gatun_byte_pair_args.a_type(g, a.kind.code());
        gatun_byte_pair_args.a_zero(g, a.zero);
        gatun_byte_pair_args.b_type(g, b.kind.code());
        gatun_byte_pair_args.b_zero(g, b.zero);
        gatun_byte_pair_args.product(g, product ? 1 : 0);
        result.put(gatun_byte_pair_args.result(g));
        return () -> GatunC.gatun_byte_pair(g);
    }

    /** Sums over rows, times a factor. */
    public static Runnable mean(Arena arena, Pages sizes, Source src, float factor, MemorySegment dst, Result result) {
        Kernels.load();
        MemorySegment g = gatun_byte_mean_args.allocate(arena);
        gatun_byte_mean_args.src(g, src.segment);
        gatun_byte_mean_args.dst(g, dst);
        gatun_byte_mean_args.pages(g, sizes.pages);
        gatun_byte_mean_args.rows(g, sizes.rows);
        gatun_byte_mean_args.cols(g, sizes.cols);
        gatun_byte_mean_args.factor(g, factor);
        gatun_byte_mean_args.type(g, src.kind.code());
        gatun_byte_mean_args.zero(g, src.zero);
        result.put(gatun_byte_mean_args.result(g));
        return () -> GatunC.gatun_byte_mean(g);
    }

    /** Floats over a scale, or bytes times one. */
    public static Runnable scale(Arena arena, long count, Source src, float scale, MemorySegment dst, Result result) {
        Kernels.load();
        MemorySegment g = gatun_byte_scale_args.allocate(arena);
        gatun_byte_scale_args.src(g, src.segment);
        gatun_byte_scale_args.dst(g, dst);
        gatun_byte_scale_args.count(g, count);
        gatun_byte_scale_args.scale(g, scale);
        gatun_byte_scale_args.type(g, src.kind.code());
        gatun_byte_scale_args.zero(g, src.zero);
        result.put(gatun_byte_scale_args.result(g));
        return () -> GatunC.gatun_byte_scale(g);
    }

    /** Bytes by a table of 256. */
    public static Runnable map(MemorySegment src, MemorySegment table, MemorySegment dst, long count) {
        Kernels.load();
        return () -> GatunC.gatun_byte_map(src, table, dst, count);
    }
}
