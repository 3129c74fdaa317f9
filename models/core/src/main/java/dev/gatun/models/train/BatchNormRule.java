package dev.gatun.models.train;

import dev.gatun.bindings.kernels.TrainNorms;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A batch norm: in training by the batch's mean and variance, of which a tenth goes into the running ones (PyTorch's momentum 0.1), the
 * variance without bias; otherwise by the running ones.
 */
final class BatchNormRule implements Rule {
    private static final double MOMENTUM = 0.1;

    private final TrainNorms.Batch norm;

    /** Parameters; mean and variance are the running ones. */
    record Weights(Parameter scale, Parameter shift, Parameter mean, Parameter variance) {
    }

    /** @param dx null if nobody wants it */
    BatchNormRule(Arena arena, Weights weights, double epsilon, long batch, MemorySegment x, MemorySegment y, MemorySegment dx,
            MemorySegment dy) {
        long channels = weights.mean.value().shape().elementCount();
        this.norm = new TrainNorms.Batch(arena, new TrainNorms.Values(x, y, dx, dy), new TrainNorms.Channels(
                weights.scale.value().segment(), weights.shift.value().segment(), weights.mean.value().segment(),
                weights.variance.value().segment(), weights.scale.gradient().segment(), weights.shift.gradient().segment()),
                Rule.floats(arena, 2 * channels), batch, x.byteSize() / Float.BYTES / Math.max(1, batch * channels), epsilon, MOMENTUM);
    }

    @Override
    public void forward(boolean training) {
        norm.forward(training);
    }

    @Override
    public void backward() {
        norm.backward();
    }
}
