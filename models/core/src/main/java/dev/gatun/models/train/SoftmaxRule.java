package dev.gatun.models.train;

import dev.gatun.tensor.Shape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Softmax along an axis: dx = p (dy - sum(p dy)); its logarithm: dx = dy - p sum(dy). */
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
        for (long row = 0; row < x.byteSize() / Float.BYTES / length; row++) {
            long first = row / stride * stride * length + row % stride;
            float largest = Float.NEGATIVE_INFINITY;
            for (long i = 0; i < length; i++) {
                largest = Math.max(largest, Rule.at(x, first + i * stride));
            }
            double sum = 0;
            for (long i = 0; i < length; i++) {
                sum += Math.exp(Rule.at(x, first + i * stride) - largest);
            }
            double logSum = largest + Math.log(sum);
            for (long i = 0; i < length; i++) {
                double logShare = Rule.at(x, first + i * stride) - logSum;
                Rule.set(shares, first + i * stride, (float) Math.exp(logShare));
                Rule.set(y, first + i * stride, (float) (log ? logShare : Math.exp(logShare)));
            }
        }
    }

    @Override
    public void backward() {
        for (long row = 0; dx != null && row < x.byteSize() / Float.BYTES / length; row++) {
            long first = row / stride * stride * length + row % stride;
            double sum = 0;
            for (long i = first; i < first + length * stride; i += stride) {
                sum += Rule.at(dy, i) * (log ? 1 : Rule.at(shares, i));
            }
            for (long i = first; i < first + length * stride; i += stride) {
                float share = Rule.at(shares, i);
                Rule.add(dx, i, (float) (log ? Rule.at(dy, i) - share * sum : share * (Rule.at(dy, i) - sum)));
            }
        }
    }
}
