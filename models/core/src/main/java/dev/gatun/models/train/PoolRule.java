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
        return new TrainKernels.Pool(source.dim(0) * source.dim(1), pair(source.dims(), 1), pair(result.dims(), 1), pair(op.kernel(), 1),
                pair(op.window().strides(), 1), pair(op.window().dilations(), 1), pair(op.window().paddingBegin(), 0),
                pair(op.window().paddingEnd(), 0));
    }

    /** The last two, of a signal that and the one. */
    private static long[] pair(long[] sizes, long one) {
        int last = sizes.length - 1;
        return new long[] {last == 0 || last == 2 ? one : sizes[last - 1], sizes[last]};
    }

    /** Of windows that share the source out. */
    static TrainKernels.Pool shares(Shape source, Shape result) {
        long[] none = {0, 0};
        return new TrainKernels.Pool(source.dim(0) * source.dim(1), pair(source.dims(), 1), pair(result.dims(), 1), none, none, none, none,
                none);
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
