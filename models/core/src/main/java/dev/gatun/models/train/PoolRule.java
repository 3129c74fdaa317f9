package dev.gatun.models.train;

import dev.gatun.bindings.kernels.TrainKernels;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.op.PoolOp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Windows of pictures: the largest, or a mean. */
final class PoolRule implements Rule {
    private final Runnable forward;
    private final Runnable backward;
    private final boolean wanted;

    /** @param dx null if nobody wants it */
    PoolRule(Arena arena, PoolOp.Kind kind, TrainKernels.Pool pool, MemorySegment x, MemorySegment y, MemorySegment dx,
            MemorySegment dy) {
        if (kind == PoolOp.Kind.MAX) {
            MemorySegment places = Rule.floats(arena, y.byteSize() / Float.BYTES);
            forward = TrainKernels.maxPool(arena, pool, x, y, places);
            backward = () -> TrainKernels.maxPoolBackward(dy, places, dx, pool.planes());
        } else {
            boolean inside = kind == PoolOp.Kind.AVERAGE;
            forward = TrainKernels.averagePool(arena, pool, inside, x, y);
            backward = dx == null ? null : TrainKernels.averagePoolBackward(arena, pool, inside, dy, dx);
        }
        this.wanted = dx != null;
    }

    /** Of windows. */
    static TrainKernels.Pool windows(PoolOp op, Shape source, Shape result) {
        if (op.ceilMode() && op.kind() != PoolOp.Kind.MAX) {
            throw new IllegalArgumentException("Pool: a mean in ceil mode cannot be trained");
        }
        return new TrainKernels.Pool(source.dim(0) * source.dim(1), new long[] {source.dim(2), source.dim(3)},
                new long[] {result.dim(2), result.dim(3)}, op.kernel(), op.window().strides(), op.window().dilations(),
                op.window().paddingBegin());
    }

    /** Of whole planes. */
    static TrainKernels.Pool planes(Shape source) {
        long[] one = {1, 1};
        long planes = source.dim(0) * source.dim(1);
        long[] plane = {1, source.elementCount() / Math.max(1, planes)};
        return new TrainKernels.Pool(planes, plane, one, plane, one, one, new long[2]);
    }

    @Override
    public void forward(boolean training) {
        forward.run();
    }

    @Override
    public void backward() {
        if (wanted) {
            backward.run();
        }
    }
}
