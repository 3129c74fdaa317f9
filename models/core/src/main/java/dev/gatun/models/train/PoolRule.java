package dev.gatun.models.train;

import dev.gatun.bindings.kernels.TrainKernels;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.op.PoolOp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The largest of each window, whose gradient goes to where it was found, the first of equal ones; or the mean, which shares it out. */
final class PoolRule implements Rule {
    private final boolean max;
    private final boolean countPadding;
    private final long[] kernel;
    private final long[] strides;
    private final long[] dilations;
    private final long[] padding;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment dx;
    private final MemorySegment dy;
    private final long planes;
    private final long h;
    private final long w;
    private final long oh;
    private final long ow;

    private final Runnable largest;
    private final MemorySegment places;

    PoolRule(Arena arena, PoolOp op, Shape source, Shape result, MemorySegment x, MemorySegment y, MemorySegment dx, MemorySegment dy) {
        this.max = op.kind() == PoolOp.Kind.MAX;
        this.countPadding = op.kind() == PoolOp.Kind.AVERAGE_WITH_PADDING;
        if (op.ceilMode() && !max) {
            throw new IllegalArgumentException("Pool: a mean in ceil mode cannot be trained");
        }
        this.kernel = op.kernel();
        this.strides = op.window().strides();
        this.dilations = op.window().dilations();
        this.padding = op.window().paddingBegin();
        this.x = x;
        this.y = y;
        this.dx = dx;
        this.dy = dy;
        this.planes = source.dim(0) * source.dim(1);
        this.h = source.dim(2);
        this.w = source.dim(3);
        this.oh = result.dim(2);
        this.ow = result.dim(3);
        this.places = max ? Rule.floats(arena, planes * oh * ow) : null;
        this.largest = max ? TrainKernels.maxPool(arena, new TrainKernels.Pool(planes, new long[] {h, w}, new long[] {oh, ow}, kernel,
                strides, dilations, padding), x, y, places) : null;
    }

    @Override
    public void forward(boolean training) {
        if (max) {
            largest.run();
        } else {
            each(true);
        }
    }

    @Override
    public void backward() {
        if (dx != null && max) {
            TrainKernels.maxPoolBackward(dy, places, dx, planes);
        } else if (dx != null) {
            each(false);
        }
    }

    private void each(boolean forward) {
        for (long plane = 0; plane < planes; plane++) {
            for (long p = 0; p < oh; p++) {
                for (long q = 0; q < ow; q++) {
                    window(plane * h * w, p * strides[0] - padding[0], q * strides[1] - padding[1], (plane * oh + p) * ow + q, forward);
                }
            }
        }
    }

    private void window(long plane, long top, long left, long result, boolean forward) {
        float sum = 0;
        int inside = 0;
        for (long i = 0; i < kernel[0]; i++) {
            for (long j = 0; j < kernel[1]; j++) {
                long row = top + i * dilations[0];
                long column = left + j * dilations[1];
                if (row >= 0 && row < h && column >= 0 && column < w) {
                    sum += Rule.at(x, plane + row * w + column);
                    inside++;
                }
            }
        }
        float divisor = countPadding ? kernel[0] * kernel[1] : inside;
        if (forward) {
            Rule.set(y, result, sum / divisor);
        } else {
            share(plane, top, left, Rule.at(dy, result) / divisor);
        }
    }

    private void share(long plane, long top, long left, float part) {
        for (long row = Math.max(0, top); row < Math.min(h, top + kernel[0]); row++) {
            for (long column = Math.max(0, left); column < Math.min(w, left + kernel[1]); column++) {
                Rule.add(dx, plane + row * w + column, part);
            }
        }
    }
}
