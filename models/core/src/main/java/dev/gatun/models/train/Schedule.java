package dev.gatun.models.train;

/** The learning rate's factor, by steps that were taken before: 0 at the first. */
@FunctionalInterface
public interface Schedule {
    /** Always the same rate. */
    Schedule CONSTANT = step -> 1;

    /** The factor. */
    double factor(long step);

    /**
     * Multiplied by gamma after each so many steps ({@code StepLR}).
     *
     * @throws IllegalArgumentException if size is not 1 or more
     */
    static Schedule steps(long size, double gamma) {
        if (size < 1) {
            throw new IllegalArgumentException("the rate is multiplied after each " + size + " steps, expected 1 or more");
        }
        return step -> Math.pow(gamma, step / size);
    }

    /** Half a cosine from 1 to 0 over so many steps ({@code CosineAnnealingLR}), 0 afterwards. */
    static Schedule cosine(long steps) {
        return step -> step >= steps ? 0 : (1 + Math.cos(Math.PI * step / steps)) / 2;
    }

    /** Grows evenly over so many steps, then is another's, which begins there. */
    static Schedule warmUp(long steps, Schedule then) {
        return step -> step < steps ? (step + 1.0) / steps : then.factor(step - steps);
    }
}
