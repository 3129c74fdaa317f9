package dev.gatun.models.train;

import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.SequencePoolOp;
import java.lang.foreign.MemorySegment;

/** The first row of each sequence, its last, or the mean; zeros where there is none. */
final class SequencePoolRule implements Rule {
    private final SequencePoolOp.Kind kind;
    private final Tensor sequences;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment dx;
    private final MemorySegment dy;
    private final long columns;

    /** @param dx null if nobody wants it */
    SequencePoolRule(SequencePoolOp op, long columns, Tensor sequences, MemorySegment x, MemorySegment y, MemorySegment dx,
            MemorySegment dy) {
        this.kind = op.kind();
        if (op.normalize() || kind != SequencePoolOp.Kind.FIRST && kind != SequencePoolOp.Kind.LAST && kind != SequencePoolOp.Kind.MEAN) {
            throw new IllegalArgumentException("SequencePool " + kind + (op.normalize() ? ", normalized," : "") + " cannot be trained, "
                    + "only FIRST, LAST and MEAN");
        }
        this.sequences = sequences;
        this.x = x;
        this.y = y;
        this.dx = dx;
        this.dy = dy;
        this.columns = columns;
    }

    @Override
    public void forward(boolean training) {
        y.fill((byte) 0);
        each(x, y, true);
    }

    @Override
    public void backward() {
        if (dx != null) {
            each(dx, dy, false);
        }
    }

    private void each(MemorySegment rows, MemorySegment pooled, boolean forward) {
        int count = Rule.sequences("SequencePool", sequences, x.byteSize() / Float.BYTES / columns);
        for (int s = 0; s < count; s++) {
            int first = sequences.getInt(s + 1);
            int end = sequences.getInt(s + 2);
            int from = kind == SequencePoolOp.Kind.LAST ? Math.max(first, end - 1) : first;
            int to = kind == SequencePoolOp.Kind.FIRST ? Math.min(end, first + 1) : end;
            float factor = 1f / Math.max(1, to - from);
            for (int r = from; r < to; r++) {
                for (long i = 0; i < columns; i++) {
                    if (forward) {
                        Rule.add(pooled, s * columns + i, factor * Rule.at(rows, r * columns + i));
                    } else {
                        Rule.add(rows, r * columns + i, factor * Rule.at(pooled, s * columns + i));
                    }
                }
            }
        }
    }
}
