package dev.gatun.models.train;

import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.bindings.kernels.TrainKernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** y = x W^T + b; dx = dy W, dW = dy^T x, db = sum of dy's rows. */
final class LinearRule implements Rule {
    private final Runnable forward;
    private final Runnable toInput;
    private final Runnable toWeight;
    private final MemorySegment dy;
    private final MemorySegment transposed;
    private final MemorySegment biasGradient;
    private final long rows;
    private final long out;

    /** @param dx null if nobody wants it */
    LinearRule(Arena arena, Parameter weight, Parameter bias, MemorySegment x, MemorySegment y, MemorySegment dx, MemorySegment dy) {
        this.out = weight.value().shape().dim(0);
        long in = weight.value().shape().dim(1);
        this.rows = x.byteSize() / Float.BYTES / in;
        this.dy = dy;
        this.biasGradient = bias == null ? null : bias.gradient().segment();
        this.transposed = Rule.floats(arena, rows * out);
        MemorySegment w = weight.value().segment();
        MemorySegment shift = bias == null ? null : bias.value().segment();
        this.forward = rows < out ? fewRows(arena, w, x, shift, y, in)
                : Rule.product(arena, x, new Factor(w, 1, in), shift, y, false, rows, out, in);
        this.toInput = dx == null ? () -> { } : Rule.product(arena, dy, new Factor(w, in, 1), null, dx, true, rows, in, out);
        this.toWeight = Rule.product(arena, transposed, new Factor(x, in, 1), null, weight.gradient().segment(), true, out, in, rows);
    }

    /** y^T = W x^T: what is packed anew at each step is the smaller factor. */
    private Runnable fewRows(Arena arena, MemorySegment w, MemorySegment x, MemorySegment shift, MemorySegment y, long in) {
        Runnable product = Rule.product(arena, w, new Factor(x, 1, in), null, transposed, false, out, rows, in);
        Runnable add = shift == null ? () -> { } : RowKernels.biasActivation(arena, y, shift, null, rows, out, 1, 0);
        return () -> {
            product.run();
            TrainKernels.transpose(transposed, out, rows, y);
            add.run();
        };
    }

    @Override
    public void forward(boolean training) {
        forward.run();
    }

    @Override
    public void backward() {
        toInput.run();
        TrainKernels.transpose(dy, rows, out, transposed);
        toWeight.run();
        if (biasGradient != null) {
            TrainKernels.addColumns(dy, rows, out, biasGradient);
        }
    }
}
