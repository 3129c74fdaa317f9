package dev.gatun.models.train;

import dev.gatun.tensor.op.BinaryOp.Operator;
import java.lang.foreign.MemorySegment;

/** Sum, difference or product of two of one shape. */
final class BinaryRule implements Rule {
    private final Operator operator;
    private final MemorySegment[] x;
    private final MemorySegment y;
    private final MemorySegment[] dx;
    private final MemorySegment dy;
    private final long count;

    /** @param dx an element is null if nobody wants it */
    BinaryRule(Operator operator, MemorySegment[] x, MemorySegment y, MemorySegment[] dx, MemorySegment dy) {
        this.operator = operator;
        this.x = x;
        this.y = y;
        this.dx = dx;
        this.dy = dy;
        this.count = y.byteSize() / Float.BYTES;
        if (x[0].byteSize() != x[1].byteSize() || operator != Operator.ADD && operator != Operator.SUB && operator != Operator.MUL) {
            throw new IllegalArgumentException("Binary: " + operator + " of two shapes cannot be trained, only sums, differences and "
                    + "products of one shape");
        }
    }

    @Override
    public void forward(boolean training) {
        for (long i = 0; i < count; i++) {
            float a = Rule.at(x[0], i);
            float b = Rule.at(x[1], i);
            Rule.set(y, i, operator == Operator.ADD ? a + b : operator == Operator.SUB ? a - b : a * b);
        }
    }

    @Override
    public void backward() {
        for (long i = 0; i < count; i++) {
            float d = Rule.at(dy, i);
            if (dx[0] != null) {
                Rule.add(dx[0], i, operator == Operator.MUL ? d * Rule.at(x[1], i) : d);
            }
            if (dx[1] != null) {
                Rule.add(dx[1], i, operator == Operator.MUL ? d * Rule.at(x[0], i) : operator == Operator.SUB ? -d : d);
            }
        }
    }
}
