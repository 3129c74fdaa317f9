package dev.gatun.models.train;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Layer norm and RMS norm of rows: with g = dy (gamma + offset) and x' the normalized row, dx = (g - mean(g) - x' mean(g x')) / deviation.
 */
final class NormRule implements Rule {
    private final Parameter gamma;
    private final Parameter beta;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment dx;
    private final MemorySegment dy;
    private final MemorySegment means;
    private final MemorySegment inverses;
    private final float epsilon;
    private final boolean rms;
    private final float offset;
    private final long rows;
    private final long columns;

    /**
     * Without its weights.
     *
     * @param epsilon added to the variance
     * @param rms     whether the mean is left alone
     * @param offset  added to gamma
     */
    record Kind(float epsilon, boolean rms, float offset) {
    }

    /** @param dx null if nobody wants it */
    NormRule(Arena arena, Kind kind, Parameter gamma, Parameter beta, MemorySegment x, MemorySegment y, MemorySegment dx,
            MemorySegment dy) {
        this.gamma = gamma;
        this.beta = beta;
        this.x = x;
        this.y = y;
        this.dx = dx;
        this.dy = dy;
        this.epsilon = kind.epsilon;
        this.rms = kind.rms;
        this.offset = kind.offset;
        this.columns = gamma.value().shape().elementCount();
        this.rows = x.byteSize() / Float.BYTES / columns;
        this.means = Rule.floats(arena, rows);
        this.inverses = Rule.floats(arena, rows);
    }

    @Override
    public void forward(boolean training) {
        for (long r = 0; r < rows; r++) {
            long first = r * columns;
            double mean = 0;
            for (long i = 0; !rms && i < columns; i++) {
                mean += Rule.at(x, first + i);
            }
            mean /= columns;
            double squares = 0;
            for (long i = 0; i < columns; i++) {
                double d = Rule.at(x, first + i) - mean;
                squares += d * d;
            }
            double inverse = 1 / Math.sqrt(squares / columns + epsilon);
            Rule.set(means, r, (float) mean);
            Rule.set(inverses, r, (float) inverse);
            for (long i = 0; i < columns; i++) {
                double shift = beta == null ? 0 : beta.value().getFloat(i);
                Rule.set(y, first + i, (float) ((Rule.at(x, first + i) - mean) * inverse * (gamma.value().getFloat(i) + offset) + shift));
            }
        }
    }

    @Override
    public void backward() {
        for (long r = 0; r < rows; r++) {
            long first = r * columns;
            float mean = Rule.at(means, r);
            float inverse = Rule.at(inverses, r);
            double sum = 0;
            double products = 0;
            for (long i = 0; i < columns; i++) {
                float d = Rule.at(dy, first + i);
                float normal = (Rule.at(x, first + i) - mean) * inverse;
                float g = d * (gamma.value().getFloat(i) + offset);
                sum += g;
                products += g * normal;
                Rule.add(gamma.gradient().segment(), i, d * normal);
                if (beta != null) {
                    Rule.add(beta.gradient().segment(), i, d);
                }
            }
            sum = rms ? 0 : sum / columns;
            products /= columns;
            for (long i = 0; dx != null && i < columns; i++) {
                float normal = (Rule.at(x, first + i) - mean) * inverse;
                float g = Rule.at(dy, first + i) * (gamma.value().getFloat(i) + offset);
                Rule.add(dx, first + i, (float) ((g - sum - normal * products) * inverse));
            }
        }
    }
}
