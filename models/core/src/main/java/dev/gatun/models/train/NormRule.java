package dev.gatun.models.train;

import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.bindings.kernels.TrainNorms;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Layer norm and RMS norm of rows. */
final class NormRule implements Rule {
    private final Parameter gamma;
    private final float offset;
    private final MemorySegment factors;
    private final Runnable forward;
    private final Runnable backward;

    /**
     * Without its weights.
     *
     * @param epsilon added to the variance
     * @param rms     whether the mean is left alone
     * @param offset  added to gamma
     */
    record Kind(float epsilon, boolean rms, float offset) {
    }

    /** @param dx null if nobody wants it */
    NormRule(Arena arena, Kind kind, Parameter gamma, Parameter beta, MemorySegment x, MemorySegment y, MemorySegment dx,
            MemorySegment dy) {
        this.gamma = gamma;
        this.offset = kind.offset;
        long columns = gamma.value().shape().elementCount();
        long rows = x.byteSize() / Float.BYTES / columns;
        this.factors = offset == 0 ? gamma.value().segment() : Rule.floats(arena, columns);
        this.forward = RowKernels.layerNorm(arena, x, null, factors, beta == null ? null : beta.value().segment(), y, rows, columns,
                kind.epsilon, kind.rms);
        this.backward = TrainNorms.rowsBackward(arena, new TrainNorms.Values(x, y, dx, dy), factors, gamma.gradient().segment(),
                beta == null ? null : beta.gradient().segment(), Rule.floats(arena, 2 * rows), rows, columns, kind.epsilon, kind.rms);
    }

    @Override
    public void forward(boolean training) {
        for (long i = 0; offset != 0 && i < gamma.value().shape().elementCount(); i++) {
            Rule.set(factors, i, gamma.value().getFloat(i) + offset);
        }
        forward.run();
    }

    @Override
    public void backward() {
        backward.run();
    }
}
