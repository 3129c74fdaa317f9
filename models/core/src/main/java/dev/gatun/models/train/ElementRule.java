package dev.gatun.models.train;

import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.bindings.kernels.TrainKernels;
import dev.gatun.tensor.op.Activation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Functions of single elements. NONE copies, as a change of shape does. */
final class ElementRule implements Rule {
    private static final long COLUMNS = 1024;

    private final Activation activation;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment dx;
    private final MemorySegment dy;
    private final Runnable activate;

    ElementRule(Arena arena, Activation activation, MemorySegment x, MemorySegment y, MemorySegment dx, MemorySegment dy) {
        this.activation = activation;
        this.x = x;
        this.y = y;
        this.dx = dx;
        this.dy = dy;
        long count = x.byteSize() / Float.BYTES;
        // Rows are what threads share out.
        long rows = count % COLUMNS == 0 ? Math.max(1, count / COLUMNS) : 1;
        this.activate = activation == Activation.NONE ? () -> { } : RowKernels.biasActivation(arena, y, null, null, rows, count / rows,
                1, activation.kernelCode());
    }

    @Override
    public void forward(boolean training) {
        y.copyFrom(x);
        activate.run();
    }

    @Override
    public void backward() {
        if (dx != null && activation == Activation.NONE) {
            TrainKernels.add(dy, dx);
        } else if (dx != null) {
            TrainKernels.activationBackward(x, dy, dx, activation.kernelCode());
        }
    }
}
