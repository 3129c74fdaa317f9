package dev.gatun.models.generate.sample;

/** {@code epsilon_cutoff} (Hewitt et al. 2022): cuts those that are less likely than value. */
public record EpsilonCutoff(double value) implements Warper {
    /** Checks it. */
    public EpsilonCutoff {
        Warper.require(value > 0 && value < 1, "epsilon_cutoff", "above 0 and below 1", value);
    }

    @Override
    public void warp(Candidates candidates) {
        candidates.softmax();
        candidates.keepAtLeast(value);
    }
}
