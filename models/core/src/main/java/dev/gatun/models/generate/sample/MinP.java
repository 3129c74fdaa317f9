package dev.gatun.models.generate.sample;

/** {@code min_p}: cuts those that are less likely than value times the likeliest. */
public record MinP(double value) implements Warper {
    /** Checks it. */
    public MinP {
        Warper.require(value >= 0 && value <= 1, "min_p", "from 0 to 1", value);
    }

    @Override
    public void warp(Candidates candidates) {
        candidates.softmax();
        candidates.keepAtLeast(value * candidates.probability(candidates.from()));
    }
}
