package dev.gatun.models.generate.sample;

/**
 * {@code typical_p} (Meister et al. 2022): those whose information is nearest to the entropy, until their probabilities add up to value. By
 * rank that distance falls, then rises: they are found outwards from where it turns.
 */
public record TypicalP(double value) implements Warper {
    /** Checks it. */
    public TypicalP {
        Warper.require(value > 0 && value <= 1, "typical_p", "above 0 and at most 1", value);
    }

    @Override
    public void warp(Candidates candidates) {
        if (value == 1) {
            return;
        }
        double logTotal = candidates.score(candidates.from()) + Math.log(candidates.softmax());
        double center = logTotal - candidates.entropy();
        int high = candidates.from();
        while (high < candidates.to() && candidates.score(high) > center) {
            high++;
        }
        int low = high;
        double sum = 0;
        // The one that reaches the mass stays, and so do more that are as near.
        double last = -1;
        while (low > candidates.from() || high < candidates.to()) {
            double below = low > candidates.from() ? candidates.score(low - 1) - center : Double.POSITIVE_INFINITY;
            double above = high < candidates.to() ? center - candidates.score(high) : Double.POSITIVE_INFINITY;
            double next = Math.min(below, above);
            if (sum >= value && next > last && high - low >= candidates.minKeep()) {
                break;
            }
            sum += candidates.probability(below <= above ? --low : high++);
            last = next;
        }
        candidates.keep(low, high);
    }
}
