package dev.gatun.models.train;

import dev.gatun.bindings.kernels.TrainKernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.LongSupplier;

/** Dropout over a result in its own memory. What is left out depends on seed and step: a resumed training leaves out the same. */
final class DropoutRule implements Rule {
    private final long seed;
    private final float share;
    private final LongSupplier step;
    private final MemorySegment y;
    private final MemorySegment dy;
    private final MemorySegment mask;

    DropoutRule(Arena arena, long seed, float share, LongSupplier step, MemorySegment y, MemorySegment dy) {
        this.seed = seed;
        this.share = share;
        this.step = step;
        this.y = y;
        this.dy = dy;
        this.mask = Rule.floats(arena, y.byteSize() / Float.BYTES);
    }

    /** The factors of the step, 0 or 1 / (1 - share). */
    MemorySegment mask() {
        return mask;
    }

    /** Multiplies by the factors there are. */
    void apply() {
        TrainKernels.multiply(mask, y);
    }

    @Override
    public void forward(boolean training) {
        if (training) {
            TrainKernels.dropout(mask, share, seed + step.getAsLong() * 0x632be59bd9b4e019L);
            apply();
        }
    }

    @Override
    public void backward() {
        TrainKernels.multiply(mask, dy);
    }
}
