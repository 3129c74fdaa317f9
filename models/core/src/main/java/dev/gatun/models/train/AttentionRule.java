package dev.gatun.models.train;

import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.AttentionOp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Attention within sequences that lie end to end: with p = softmax(s q k^T), y = p v; dv = p^T dy, dp = dy v^T, and of the scores
 * ds = s p (dp - sum(p dp)), from which dq = ds k, dk = ds^T q. The shares p are computed again on the way back.
 */
final class AttentionRule implements Rule {
    private final View q;
    private final View k;
    private final View v;
    private final Tensor querySequences;
    private final Tensor keySequences;
    private final MemorySegment y;
    private final MemorySegment dy;
    private final MemorySegment shares;
    private final MemorySegment slopes;
    private final int heads;
    private final int headDim;
    private final float scale;
    private final boolean causal;

    /**
     * One of the three.
     *
     * @param x      where it is
     * @param dx     its gradient, or null
     * @param stride elements of a row
     * @param first  its first column
     */
    record View(MemorySegment x, MemorySegment dx, long stride, long first) {
    }

    /** What attends to what: rows of q, rows of k, and how many sequences there are, then their offsets. */
    record Operands(View q, View k, View v, Tensor querySequences, Tensor keySequences) {
    }

    AttentionRule(Arena arena, AttentionOp op, Operands operands, MemorySegment y, MemorySegment dy) {
        if (op.mask() != AttentionOp.MaskKind.NONE || op.keyPadding() || op.distances() != null || op.positions() != null
                || op.scores().softcap() != 0 || op.scores().window() != 0 || op.numHeads() != op.numKvHeads()) {
            throw new IllegalArgumentException("Attention with masks, distances, positions, softcap, a window or shared keys cannot be "
                    + "trained: plain and causal attention can");
        }
        this.q = operands.q;
        this.k = operands.k;
        this.v = operands.v;
        this.querySequences = operands.querySequences;
        this.keySequences = operands.keySequences;
        this.y = y;
        this.dy = dy;
        this.heads = op.numHeads();
        this.headDim = op.headDim();
        this.scale = op.scores().scale();
        this.causal = op.causal();
        long keys = k.x.byteSize() / Float.BYTES / k.stride;
        this.shares = Rule.floats(arena, keys);
        this.slopes = Rule.floats(arena, keys);
    }

    @Override
    public void forward(boolean training) {
        y.fill((byte) 0);
        each(true);
    }

    @Override
    public void backward() {
        each(false);
    }

    private void each(boolean forward) {
        long queries = q.x.byteSize() / Float.BYTES / q.stride;
        long keys = k.x.byteSize() / Float.BYTES / k.stride;
        int count = Rule.sequences("Attention", querySequences, queries);
        if (Rule.sequences("Attention", keySequences, keys) != count) {
            throw new IllegalArgumentException("Attention: " + count + " sequences of queries, " + keySequences.getInt(0) + " of keys");
        }
        for (int s = 0; s < count; s++) {
            for (int h = 0; h < heads; h++) {
                long firstKey = keySequences.getInt(s + 1);
                long lastKey = keySequences.getInt(s + 2);
                for (long i = querySequences.getInt(s + 1); i < querySequences.getInt(s + 2); i++) {
                    // The last query stands at the last key.
                    long seen = causal ? Math.max(firstKey, lastKey - querySequences.getInt(s + 2) + i + 1) : lastKey;
                    share(h, i, firstKey, seen);
                    if (forward) {
                        sum(h, i, firstKey, seen);
                    } else {
                        back(h, i, firstKey, seen);
                    }
                }
            }
        }
    }

    private float dot(MemorySegment a, long from, MemorySegment b, long at) {
        float sum = 0;
        for (int c = 0; c < headDim; c++) {
            sum += Rule.at(a, from + c) * Rule.at(b, at + c);
        }
        return sum;
    }

    private long at(View view, int head, long row) {
        return row * view.stride + view.first + (long) head * headDim;
    }

    private long result(int head, long row) {
        return (row * heads + head) * headDim;
    }

    private void share(int h, long i, long first, long end) {
        float largest = Float.NEGATIVE_INFINITY;
        for (long j = first; j < end; j++) {
            float score = scale * dot(q.x, at(q, h, i), k.x, at(k, h, j));
            Rule.set(shares, j - first, score);
            largest = Math.max(largest, score);
        }
        double sum = 0;
        for (long j = 0; j < end - first; j++) {
            double e = Math.exp(Rule.at(shares, j) - largest);
            sum += e;
            Rule.set(shares, j, (float) e);
        }
        for (long j = 0; j < end - first; j++) {
            Rule.set(shares, j, (float) (Rule.at(shares, j) / sum));
        }
    }

    private void sum(int h, long i, long first, long end) {
        for (long j = first; j < end; j++) {
            add(y, result(h, i), Rule.at(shares, j - first), v.x, at(v, h, j));
        }
    }

    private void add(MemorySegment to, long at, float factor, MemorySegment from, long source) {
        for (int c = 0; c < headDim; c++) {
            Rule.add(to, at + c, factor * Rule.at(from, source + c));
        }
    }

    private void back(int h, long i, long first, long end) {
        double mean = 0;
        for (long j = first; j < end; j++) {
            float slope = dot(dy, result(h, i), v.x, at(v, h, j));
            Rule.set(slopes, j - first, slope);
            mean += Rule.at(shares, j - first) * slope;
        }
        for (long j = first; j < end; j++) {
            float share = Rule.at(shares, j - first);
            float ds = (float) (scale * share * (Rule.at(slopes, j - first) - mean));
            if (v.dx != null) {
                add(v.dx, at(v, h, j), share, dy, result(h, i));
            }
            if (q.dx != null) {
                add(q.dx, at(q, h, i), ds, k.x, at(k, h, j));
            }
            if (k.dx != null) {
                add(k.dx, at(k, h, j), ds, q.x, at(q, h, i));
            }
        }
    }
}
