package dev.gatun.models.train;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.kernels.TrainSequences;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.AttentionOp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Attention within sequences that lie end to end: with p = softmax(s q k^T + mask), y = p v; dv = p^T dy, dp = dy v^T, and of the scores
 * ds = s p (dp - sum(p dp)), from which dq = ds k, dk = ds^T q. The shares p are computed again on the way back. What is added by distance
 * learns, masks learn nothing.
 */
final class AttentionRule implements Rule {
    private final TrainSequences.Attention attention;
    private final Operands operands;
    private final MemorySegment y;
    private final long queries;
    private final long keys;

    /** Views of q, k and v; sequences of queries and of keys; mask, padding and distances, or null. */
    record Operands(TrainSequences.View[] qkv, Tensor querySequences, Tensor keySequences, Tensor mask, Tensor padding,
            TrainSequences.Distances distances) {
    }

    AttentionRule(Arena arena, AttentionOp op, Operands operands, MemorySegment y, MemorySegment dy) {
        if (op.distances() != null || op.positions() != null
                || op.scores().undefined() != AttentionOp.Undefined.HIDDEN_IS_ZERO) {
            throw new IllegalArgumentException("Attention with distances or positions that are packed already, or with zeros for NaN, or "
                    + "NaN for zeros, cannot be trained");
        }
        this.operands = operands;
        this.y = y;
        this.queries = rows(operands.qkv[0]);
        this.keys = rows(operands.qkv[1]);
        long[] strides = new long[3];
        if (operands.mask != null) {
            long[] dims = operands.mask.shape().dims();
            int last = dims.length - 1;
            strides[2] = dims[last];
            if (last == 3) {
                strides[1] = dims[1] == 1 ? 0 : dims[2] * dims[3];
                strides[0] = dims[0] == 1 ? 0 : dims[1] * dims[2] * dims[3];
            }
        }
        this.attention = new TrainSequences.Attention(arena, operands.qkv, y, dy, operands.querySequences.segment(),
                operands.keySequences.segment(), new TrainSequences.Sight(op.scores().scale(), op.scores().softcap(),
                        op.causal(), op.scores().window(), segment(operands.mask), strides, segment(operands.padding)), operands.distances,
                new int[] {op.numHeads(), op.numKvHeads()},
                op.headDim(), keys, Rule.floats(arena, 2 * keys * Kernels.maxThreads()));
    }

    private static MemorySegment segment(Tensor tensor) {
        return tensor == null ? null : tensor.segment();
    }

    private static long rows(TrainSequences.View view) {
        return (view.x().byteSize() / Float.BYTES + view.stride() - 1) / view.stride();
    }

    @Override
    public void forward(boolean training) {
        int count = Rule.sequences("Attention", operands.querySequences, queries);
        if (Rule.sequences("Attention", operands.keySequences, keys) != count) {
            throw new IllegalArgumentException("Attention: " + count + " sequences of queries, " + operands.keySequences.getInt(0)
                    + " of keys");
        }
        for (int s = 0; operands.mask != null && s < count; s++) {
            requireMask(s);
        }
        y.fill((byte) 0);
        attention.forward();
    }

    private void requireMask(int s) {
        long[] dims = {operands.mask.shape().dim(0), operands.mask.shape().dim(-2), operands.mask.shape().dim(-1)};
        int rows = operands.querySequences.getInt(s + 2) - operands.querySequences.getInt(s + 1);
        int columns = operands.keySequences.getInt(s + 2) - operands.keySequences.getInt(s + 1);
        if (rows > dims[1] || columns > dims[2] || operands.mask.shape().rank() == 4 && dims[0] != 1 && s >= dims[0]) {
            throw new IllegalArgumentException("Attention: sequence " + s + " has " + rows + " queries and " + columns
                    + " keys, the mask is " + operands.mask.shape());
        }
    }

    @Override
    public void backward() {
        attention.backward();
    }
}
