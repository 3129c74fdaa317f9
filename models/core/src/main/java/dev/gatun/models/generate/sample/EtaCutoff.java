package dev.gatun.models.generate.sample;

/** {@code eta_cutoff} (Hewitt et al. 2022): cuts those less likely than value and than sqrt(value) exp(-entropy). */
public record EtaCutoff(double value) implements Warper {
    /** Checks it. */
    public EtaCutoff {
        Warper.require(value > 0 && value < 1, "eta_cutoff", "above 0 and below 1", value);
    }

    @Override
    public void warp(Candidates candidates) {
        candidates.softmax();
        candidates.keepAtLeast(Math.min(value, Math.sqrt(value) * Math.exp(-candidates.entropy())));
    }
}
