package dev.gatun.models.train;

import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.SequencePoolOp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** One row of each sequence's, of any kind; zeros where there is none. */
final class SequencePoolRule implements Rule {
    private final Tensor sequences;
    private final long rows;
    private final MemorySegment pooled;
    private final MemorySegment dPooled;
    private final Runnable forward;
    private final Runnable backward;
    private final UnitRule unit;

    /** @param dx null if nobody wants it */
    SequencePoolRule(Arena arena, SequencePoolOp op, long columns, Tensor sequences, MemorySegment x, MemorySegment y, MemorySegment dx,
            MemorySegment dy) {
        this.sequences = sequences;
        this.rows = x.byteSize() / Float.BYTES / columns;
        this.pooled = op.normalize() ? Rule.floats(arena, y.byteSize() / Float.BYTES) : y;
        this.dPooled = op.normalize() ? Rule.floats(arena, y.byteSize() / Float.BYTES) : dy;
        this.unit = op.normalize() ? new UnitRule(columns, pooled, y, dPooled, dy) : null;
        this.forward = RowKernels.pool(arena, x, sequences.segment(), pooled, columns, op.kind().kernelCode(), false);
        this.backward = dx == null ? null : RowKernels.poolBackward(arena, x, sequences.segment(), dPooled, dx, columns,
                op.kind().kernelCode());
    }

    @Override
    public void forward(boolean training) {
        Rule.sequences("SequencePool", sequences, rows);
        pooled.fill((byte) 0);
        forward.run();
        if (unit != null) {
            unit.forward(training);
        }
    }

    @Override
    public void backward() {
        if (unit != null) {
            dPooled.fill((byte) 0);
            unit.backward();
        }
        if (backward != null) {
            backward.run();
        }
    }
}
