package dev.gatun.models.train;

import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.bindings.kernels.TrainKernels;
import dev.gatun.bindings.kernels.TrainKernels.Repeat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.BinaryOp.Operator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Two joined element by element; the second is repeated first where its shape is another. */
final class BinaryRule implements Rule {
    private final int kind;
    private final MemorySegment[] x;
    private final MemorySegment y;
    private final MemorySegment[] dx;
    private final MemorySegment dy;
    private final Repeat repeat;
    private final MemorySegment second;
    private final MemorySegment dSecond;

    /** @param dx an element is null if nobody wants it */
    BinaryRule(Arena arena, Operator operator, List<Tensor> x, MemorySegment y, MemorySegment[] dx, MemorySegment dy) {
        this.kind = switch (operator) {
            case ADD -> 0;
            case SUB -> 1;
            case MUL -> 2;
            case DIV -> 3;
            case MAX -> 4;
            case MIN -> 5;
        };
        this.y = y;
        this.dy = dy;
        this.second = x.get(1).segment();
        this.dSecond = dx[1];
        boolean same = x.get(0).shape().equals(x.get(1).shape());
        long count = y.byteSize() / Float.BYTES;
        this.repeat = same ? null : repeat(arena, x.get(0).shape(), x.get(1).shape());
        this.x = new MemorySegment[] {x.get(0).segment(), same ? second : Rule.floats(arena, count)};
        this.dx = new MemorySegment[] {dx[0], same || dSecond == null ? dSecond : Rule.floats(arena, count)};
    }

    /** Neighbours that are repeated, or not, are one dimension. */
    private static Repeat repeat(Arena arena, Shape to, Shape from) {
        List<Long> dims = new ArrayList<>();
        List<Boolean> own = new ArrayList<>();
        for (int i = 0; i < to.rank(); i++) {
            boolean same = from.dim(i) == to.dim(i);
            int last = dims.size() - 1;
            if (last >= 0 && own.get(last) == same) {
                dims.set(last, dims.get(last) * to.dim(i));
            } else {
                dims.add(to.dim(i));
                own.add(same);
            }
        }
        MemorySegment sizes = NativeBuffer.allocate(arena, (long) dims.size() * Long.BYTES).segment();
        MemorySegment strides = NativeBuffer.allocate(arena, (long) dims.size() * Long.BYTES).segment();
        long stride = 1;
        for (int i = dims.size() - 1; i >= 0; i--) {
            sizes.setAtIndex(ValueLayout.JAVA_LONG, i, dims.get(i));
            strides.setAtIndex(ValueLayout.JAVA_LONG, i, own.get(i) ? stride : 0);
            stride *= own.get(i) ? dims.get(i) : 1;
        }
        return new Repeat(sizes, strides);
    }

    @Override
    public void forward(boolean training) {
        if (repeat != null) {
            repeat.forward(second, x[1]);
        }
        TrainKernels.binary(kind, x[0], x[1], y);
    }

    @Override
    public void backward() {
        if (repeat != null && dSecond != null) {
            dx[1].fill((byte) 0);
        }
        TrainKernels.binaryBackward(kind, x[0], x[1], dy, dx[0], dx[1]);
        if (repeat != null && dSecond != null) {
            repeat.backward(dSecond, dx[1]);
        }
    }
}
