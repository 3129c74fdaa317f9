package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.kernels.gen.gatun_max_pool_args;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What training does besides products, over dense F32. Formulas are in {@code native/include/gatun.h}. Calls allocate nothing; segments
 * of a call have one size unless it says otherwise, and their owners are open.
 */
public final class TrainKernels {
    private TrainKernels() {
    }

    private static long floats(MemorySegment x) {
        Kernels.load();
        return x.byteSize() / Float.BYTES;
    }

    /** dx += dy f'(x) of an activation's code, as of {@link RowKernels#biasActivation}. */
    public static void activationBackward(MemorySegment x, MemorySegment dy, MemorySegment dx, int activation) {
        GatunC.gatun_activation_backward(x, dy, dx, floats(x), activation);
    }

    /** y += x. */
    public static void add(MemorySegment x, MemorySegment y) {
        add(x, 1, y);
    }

    /** y += factor x. */
    public static void add(MemorySegment x, float factor, MemorySegment y) {
        GatunC.gatun_add(x, factor, y, floats(x));
    }

    /** y = a and b joined by a kind: 0 sum, 1 difference, 2 product, 3 quotient, 4 the larger, 5 the smaller. */
    public static void binary(int kind, MemorySegment a, MemorySegment b, MemorySegment y) {
        GatunC.gatun_binary(a, b, y, floats(y), kind);
    }

    /** da and db, of which each may be null, += what {@link #binary} makes of dy. */
    public static void binaryBackward(int kind, MemorySegment a, MemorySegment b, MemorySegment dy, MemorySegment da, MemorySegment db) {
        GatunC.gatun_binary_backward(a, b, dy, Kernels.orNull(da), Kernels.orNull(db), floats(dy), kind);
    }

    /** y *= x. */
    public static void multiply(MemorySegment x, MemorySegment y) {
        GatunC.gatun_multiply(x, y, floats(y));
    }

    /** to[j] += the sum of column j of x[rows, columns]. */
    public static void addColumns(MemorySegment x, long rows, long columns, MemorySegment to) {
        Kernels.load();
        GatunC.gatun_add_columns(x, rows, columns, to);
    }

    /** to[n, m] = from[m, n]. */
    public static void transpose(MemorySegment from, long m, long n, MemorySegment to) {
        Kernels.load();
        GatunC.gatun_transpose(from, m, n, to);
    }

    /** Dropout's factors, always the same of a seed: 0 with the chance share, else 1 / (1 - share). */
    public static void dropout(MemorySegment mask, float share, long seed) {
        GatunC.gatun_dropout(mask, floats(mask), share, seed);
    }

    /** rows[i] += factor table[ids[i]], or backward table[ids[i]] += factor rows[i]; ids S32, checked, or null: row 0. */
    public static void tableRows(MemorySegment table, MemorySegment ids, float factor, MemorySegment rows, long count, long columns,
            boolean backward) {
        Kernels.load();
        GatunC.gatun_table_rows(table, Kernels.orNull(ids), factor, rows, count, columns, backward ? 1 : 0);
    }

    /**
     * x repeated over the dimensions of y, or its gradient from y's.
     *
     * @param dims    S64, of y, one or more
     * @param strides S64, of x: 0 where it is repeated, the last else 1
     */
    public record Repeat(MemorySegment dims, MemorySegment strides) {
        /** y = x. */
        public void forward(MemorySegment x, MemorySegment y) {
            run(x, y, 0);
        }

        /** dx += the sums of dy. */
        public void backward(MemorySegment dx, MemorySegment dy) {
            run(dx, dy, 1);
        }

        private void run(MemorySegment x, MemorySegment y, int backward) {
            Kernels.load();
            GatunC.gatun_repeat(x, y, dims, strides, dims.byteSize() / Long.BYTES, backward);
        }
    }

    /** y = x / |x| by rows. */
    public static void unitRows(MemorySegment x, MemorySegment y, long columns) {
        GatunC.gatun_unit_rows(x, y, MemorySegment.NULL, MemorySegment.NULL, floats(x) / columns, columns);
    }

    /** dx += what {@link #unitRows} makes of dy. */
    public static void unitRowsBackward(MemorySegment x, MemorySegment dy, MemorySegment dx, long columns) {
        GatunC.gatun_unit_rows(x, MemorySegment.NULL, dy, dx, floats(x) / columns, columns);
    }

    /** Softmax over length elements that lie inner apart, or its logarithm; shares are for the way back. */
    public static void softmax(MemorySegment x, MemorySegment y, MemorySegment shares, long length, long inner, boolean log) {
        GatunC.gatun_softmax(x, y, shares, floats(x) / Math.max(1, length * inner), length, inner, log ? 1 : 0);
    }

    /** dx += what {@link #softmax} makes of dy. */
    public static void softmaxBackward(MemorySegment shares, MemorySegment dy, MemorySegment dx, long length, long inner, boolean log) {
        GatunC.gatun_softmax_backward(shares, dy, dx, floats(dy) / Math.max(1, length * inner), length, inner, log ? 1 : 0);
    }

    /** x *= factor. */
    public static void scale(MemorySegment x, float factor) {
        GatunC.gatun_scale(x, factor, floats(x));
    }

    /** The sum of the squares. */
    public static double squares(MemorySegment x) {
        return GatunC.gatun_squares(x, floats(x));
    }

    /** SGD; buffer: null without momentum. */
    public static void sgd(MemorySegment p, MemorySegment gradient, MemorySegment buffer, float decay, float momentum, float fresh,
            float rate, boolean nesterov) {
        GatunC.gatun_sgd(p, gradient, buffer == null ? MemorySegment.NULL : buffer, floats(p), decay, momentum, fresh, rate,
                nesterov ? 1 : 0);
    }

    /** AdamW, by the header's names. */
    public static void adamw(MemorySegment p, MemorySegment gradient, MemorySegment mean, MemorySegment square, float shrink, float size,
            float root, float eps, float fresh, float kept, float freshSquare) {
        GatunC.gatun_adamw(p, gradient, mean, square, floats(p), shrink, size, root, eps, fresh, kept, freshSquare);
    }

    /**
     * Windows of planes.
     *
     * @param planes  how many
     * @param source  height and width
     * @param result  height and width
     * @param kernel  height and width, as strides, dilations and padding: above and on the left, below and on the right; strides of 0:
     *                windows share the source out, and nothing of these is read
     */
    public record Pool(long planes, long[] source, long[] result, long[] kernel, long[] strides, long[] dilations, long[] before,
            long[] after) {
    }

    /** The largest of each window of x to y, and where it was to places, S32 as y; a call that repeats. */
    public static Runnable maxPool(Arena arena, Pool pool, MemorySegment x, MemorySegment y, MemorySegment places) {
        MemorySegment args = args(arena, pool, x, y);
        gatun_max_pool_args.places(args, places);
        return () -> GatunC.gatun_max_pool(args);
    }

    /** The mean of each window of x to y, of what is inside or with the padding; a call that repeats. */
    public static Runnable averagePool(Arena arena, Pool pool, boolean inside, MemorySegment x, MemorySegment y) {
        MemorySegment args = args(arena, pool, x, y);
        return () -> GatunC.gatun_average_pool(args, inside ? 1 : 0, 0);
    }

    /** dx += what {@link #averagePool} makes of dy; a call that repeats. */
    public static Runnable averagePoolBackward(Arena arena, Pool pool, boolean inside, MemorySegment dy, MemorySegment dx) {
        MemorySegment args = args(arena, pool, dy, dx);
        return () -> GatunC.gatun_average_pool(args, inside ? 1 : 0, 1);
    }

    private static MemorySegment args(Arena arena, Pool pool, MemorySegment x, MemorySegment y) {
        Kernels.load();
        MemorySegment args = gatun_max_pool_args.allocate(arena);
        gatun_max_pool_args.x(args, x);
        gatun_max_pool_args.y(args, y);
        gatun_max_pool_args.planes(args, pool.planes);
        gatun_max_pool_args.h(args, pool.source[0]);
        gatun_max_pool_args.w(args, pool.source[1]);
        gatun_max_pool_args.oh(args, pool.result[0]);
        gatun_max_pool_args.ow(args, pool.result[1]);
        gatun_max_pool_args.kh(args, pool.kernel[0]);
        gatun_max_pool_args.kw(args, pool.kernel[1]);
        gatun_max_pool_args.stride_h(args, pool.strides[0]);
        gatun_max_pool_args.stride_w(args, pool.strides[1]);
        gatun_max_pool_args.dilation_h(args, pool.dilations[0]);
        gatun_max_pool_args.dilation_w(args, pool.dilations[1]);
        gatun_max_pool_args.top(args, pool.before[0]);
        gatun_max_pool_args.left(args, pool.before[1]);
        gatun_max_pool_args.bottom(args, pool.after[0]);
        gatun_max_pool_args.right(args, pool.after[1]);
        return args;
    }

    /** dx += dy where the largest were; of {@link #maxPool}. */
    public static void maxPoolBackward(MemorySegment dy, MemorySegment places, MemorySegment dx, long planes) {
        GatunC.gatun_max_pool_backward(dy, places, dx, planes, floats(dx) / planes, floats(dy) / planes);
    }
}
