package dev.gatun.models.train;

import dev.gatun.bindings.kernels.TrainKernels;
import dev.gatun.tensor.op.BinaryOp.Operator;
import java.lang.foreign.MemorySegment;

/** Sum, difference or product of two of one shape. */
final class BinaryRule implements Rule {
    private final Operator operator;
    private final MemorySegment[] x;
    private final MemorySegment y;
    private final MemorySegment[] dx;
    private final MemorySegment dy;
    private final float sign;

    /** @param dx an element is null if nobody wants it */
    BinaryRule(Operator operator, MemorySegment[] x, MemorySegment y, MemorySegment[] dx, MemorySegment dy) {
        this.operator = operator;
        this.x = x;
        this.y = y;
        this.dx = dx;
        this.dy = dy;
        this.sign = operator == Operator.SUB ? -1 : 1;
        if (x[0].byteSize() != x[1].byteSize() || operator != Operator.ADD && operator != Operator.SUB && operator != Operator.MUL) {
            throw new IllegalArgumentException("Binary: " + operator + " of two shapes cannot be trained, only sums, differences and "
                    + "products of one shape");
        }
    }

    @Override
    public void forward(boolean training) {
        y.copyFrom(x[0]);
        if (operator == Operator.MUL) {
            TrainKernels.multiply(x[1], y);
        } else {
            TrainKernels.add(x[1], sign, y);
        }
    }

    @Override
    public void backward() {
        for (int i = 0; i < 2; i++) {
            if (dx[i] != null && operator == Operator.MUL) {
                TrainKernels.addProducts(dy, x[1 - i], dx[i]);
            } else if (dx[i] != null) {
                TrainKernels.add(dy, i == 0 ? 1 : sign, dx[i]);
            }
        }
    }
}
