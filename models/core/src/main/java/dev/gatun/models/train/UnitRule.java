package dev.gatun.models.train;

import dev.gatun.bindings.kernels.TrainKernels;
import java.lang.foreign.MemorySegment;

/** Rows divided by their Euclidean length: y = x / |x|, dx = (dy - y (y dy)) / |x|. */
record UnitRule(long columns, MemorySegment x, MemorySegment y, MemorySegment dx, MemorySegment dy) implements Rule {
    @Override
    public void forward(boolean training) {
        TrainKernels.unitRows(x, y, columns);
    }

    @Override
    public void backward() {
        if (dx != null) {
            TrainKernels.unitRowsBackward(x, dy, dx, columns);
        }
    }
}
