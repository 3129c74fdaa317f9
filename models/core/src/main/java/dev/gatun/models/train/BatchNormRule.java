package dev.gatun.models.train;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A batch norm: in training by the batch's mean and variance, of which a tenth goes into the running ones (PyTorch's momentum 0.1), the
 * variance without bias; otherwise by the running ones.
 */
final class BatchNormRule implements Rule {
    private static final float MOMENTUM = 0.1f;

    private final Weights weights;
    private final double epsilon;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment dx;
    private final MemorySegment dy;
    private final MemorySegment means;
    private final MemorySegment inverses;
    private final long batch;
    private final long channels;
    private final long plane;

    /** Parameters; mean and variance are the running ones. */
    record Weights(Parameter scale, Parameter shift, Parameter mean, Parameter variance) {
    }

    /** @param dx null if nobody wants it */
    BatchNormRule(Arena arena, Weights weights, double epsilon, long batch, MemorySegment x, MemorySegment y, MemorySegment dx,
            MemorySegment dy) {
        this.weights = weights;
        this.epsilon = epsilon;
        this.x = x;
        this.y = y;
        this.dx = dx;
        this.dy = dy;
        this.batch = batch;
        this.channels = weights.mean.value().shape().elementCount();
        this.plane = x.byteSize() / Float.BYTES / Math.max(1, batch * channels);
        this.means = Rule.floats(arena, channels);
        this.inverses = Rule.floats(arena, channels);
    }

    @Override
    public void forward(boolean training) {
        for (long c = 0; c < channels; c++) {
            if (training) {
                measure(c);
            } else {
                Rule.set(means, c, weights.mean.value().getFloat(c));
                Rule.set(inverses, c, (float) (1 / Math.sqrt(weights.variance.value().getFloat(c) + epsilon)));
            }
            float factor = Rule.at(inverses, c) * weights.scale.value().getFloat(c);
            float shift = weights.shift.value().getFloat(c) - Rule.at(means, c) * factor;
            for (long n = 0; n < batch; n++) {
                for (long i = (n * channels + c) * plane; i < (n * channels + c + 1) * plane; i++) {
                    Rule.set(y, i, Rule.at(x, i) * factor + shift);
                }
            }
        }
    }

    private void measure(long c) {
        long count = batch * plane;
        double mean = 0;
        for (long n = 0; n < batch; n++) {
            for (long i = (n * channels + c) * plane; i < (n * channels + c + 1) * plane; i++) {
                mean += Rule.at(x, i);
            }
        }
        mean /= count;
        double squares = 0;
        for (long n = 0; n < batch; n++) {
            for (long i = (n * channels + c) * plane; i < (n * channels + c + 1) * plane; i++) {
                squares += (Rule.at(x, i) - mean) * (Rule.at(x, i) - mean);
            }
        }
        Rule.set(means, c, (float) mean);
        Rule.set(inverses, c, (float) (1 / Math.sqrt(squares / count + epsilon)));
        run(weights.mean, c, mean);
        run(weights.variance, c, squares / Math.max(1, count - 1));
    }

    private static void run(Parameter running, long c, double found) {
        running.value().setFloat(c, (float) ((1 - MOMENTUM) * running.value().getFloat(c) + MOMENTUM * found));
    }

    @Override
    public void backward() {
        long count = batch * plane;
        for (long c = 0; c < channels; c++) {
            float mean = Rule.at(means, c);
            float inverse = Rule.at(inverses, c);
            double sum = 0;
            double products = 0;
            for (long n = 0; n < batch; n++) {
                for (long i = (n * channels + c) * plane; i < (n * channels + c + 1) * plane; i++) {
                    sum += Rule.at(dy, i);
                    products += Rule.at(dy, i) * (Rule.at(x, i) - mean) * inverse;
                }
            }
            Rule.add(weights.shift.gradient().segment(), c, (float) sum);
            Rule.add(weights.scale.gradient().segment(), c, (float) products);
            float factor = weights.scale.value().getFloat(c) * inverse;
            for (long n = 0; dx != null && n < batch; n++) {
                for (long i = (n * channels + c) * plane; i < (n * channels + c + 1) * plane; i++) {
                    double normal = (Rule.at(x, i) - mean) * inverse;
                    Rule.add(dx, i, (float) (factor * (Rule.at(dy, i) - sum / count - normal * products / count)));
                }
            }
        }
    }
}
