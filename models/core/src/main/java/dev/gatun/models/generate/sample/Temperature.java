package dev.gatun.models.generate.sample;

/** {@code temperature}: scores are divided by it. Files without do_sample say 0; none is drawn by that. */
public record Temperature(double value) implements Warper {
    /** Checks it. */
    public Temperature {
        Warper.require(value >= 0 && Double.isFinite(value), "temperature", "positive", value);
    }

    @Override
    public void warp(Candidates candidates) {
        candidates.divide(value);
    }
}
