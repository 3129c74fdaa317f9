package dev.gatun.models.generate.sample;

/** {@code temperature}: scores are divided by it. */
public record Temperature(double value) implements Warper {
    /** Checks it. */
    public Temperature {
        Warper.require(value > 0 && Double.isFinite(value), "temperature", "positive", value);
    }

    @Override
    public void warp(Candidates candidates) {
        candidates.divide(value);
    }
}
