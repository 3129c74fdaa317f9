package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.kernels.gen.gatun_logits_args;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Choosing among rows of logits: their log-sum-exp and their k largest. Results are off-heap and this object's; running allocates
 * nothing. One thread at a time.
 */
public final class Logits {
    private final MemorySegment args;
    private final MemorySegment logSumExp;
    private final MemorySegment values;
    private final MemorySegment indices;
    private final long cols;
    private final long capacity;
    private final long maxRows;
    private long k;

    /**
     * Reserves the results.
     *
     * @param arena   owns them
     * @param cols    elements of a row
     * @param maxRows rows of the largest run
     * @param maxK    largest k, at most cols
     */
    public Logits(Arena arena, long cols, long maxRows, long maxK) {
        Kernels.load();
        this.cols = cols;
        this.maxRows = maxRows;
        this.capacity = maxK;
        this.args = gatun_logits_args.allocate(arena);
        this.logSumExp = NativeBuffer.allocate(arena, maxRows * Float.BYTES).segment();
        this.values = NativeBuffer.allocate(arena, maxRows * maxK * Float.BYTES).segment();
        this.indices = NativeBuffer.allocate(arena, maxRows * maxK * Integer.BYTES).segment();
        gatun_logits_args.stride(args, cols);
        gatun_logits_args.cols(args, cols);
        gatun_logits_args.log_sum_exp(args, logSumExp);
        gatun_logits_args.values(args, values);
        gatun_logits_args.indices(args, indices);
    }

    /**
     * log(sum(exp(x))) of each row; NaN where the row holds a NaN or +infinity.
     *
     * @param x F32 [rows, cols]
     */
    public void logSumExp(MemorySegment x, long rows) {
        set(x, rows);
        GatunC.gatun_log_sum_exp(args);
    }

    /**
     * The k largest of each row, best first; of equal ones the one with the lower column.
     *
     * @param x F32 [rows, cols]
     */
    public void topK(MemorySegment x, long rows, long count) {
        if (count < 1 || count > capacity) {
            throw new IllegalArgumentException("k is " + count + ", expected 1 to " + capacity);
        }
        set(x, rows);
        k = count;
        gatun_logits_args.k(args, count);
        GatunC.gatun_top_k(args);
    }

    private void set(MemorySegment x, long rows) {
        if (rows < 0 || rows > maxRows || x.byteSize() < rows * cols * Float.BYTES) {
            throw new IllegalArgumentException(rows + " rows of " + cols + ": there is room for " + maxRows + ", and x has "
                    + x.byteSize() + " bytes");
        }
        gatun_logits_args.x(args, x);
        gatun_logits_args.rows(args, rows);
    }

    /** What {@link #logSumExp(MemorySegment, long)} found for a row. */
    public float logSumExp(long row) {
        return logSumExp.getAtIndex(ValueLayout.JAVA_FLOAT, row);
    }

    /** The value of rank i in a row. */
    public float value(long row, long i) {
        return values.getAtIndex(ValueLayout.JAVA_FLOAT, row * k + i);
    }

    /** The column of rank i in a row. */
    public int index(long row, long i) {
        return indices.getAtIndex(ValueLayout.JAVA_INT, row * k + i);
    }
}
