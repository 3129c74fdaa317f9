package dev.gatun.models.train;

import dev.gatun.bindings.kernels.TrainKernels;
import dev.gatun.tensor.Shape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Softmax along an axis, or its logarithm. */
final class SoftmaxRule implements Rule {
    private final boolean log;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment dx;
    private final MemorySegment dy;
    private final MemorySegment shares;
    private final long length;
    private final long stride;

    /** @param dx null if nobody wants it */
    SoftmaxRule(Arena arena, Shape shape, int axis, boolean log, MemorySegment x, MemorySegment y, MemorySegment dx, MemorySegment dy) {
        this.log = log;
        this.x = x;
        this.y = y;
        this.dx = dx;
        this.dy = dy;
        this.shares = Rule.floats(arena, x.byteSize() / Float.BYTES);
        int along = axis < 0 ? axis + shape.rank() : axis;
        this.length = shape.dim(along);
        long inner = 1;
        for (int i = along + 1; i < shape.rank(); i++) {
            inner *= shape.dim(i);
        }
        this.stride = inner;
    }

    @Override
    public void forward(boolean training) {
        TrainKernels.softmax(x, y, shares, length, stride, log);
    }

    @Override
    public void backward() {
        if (dx != null) {
            TrainKernels.softmaxBackward(shares, dy, dx, length, stride, log);
        }
    }
}
