package dev.gatun.models.generate.sample;

/** {@code top_p} (Holtzman et al. 2019): cuts the least likely whose probabilities add up to at most 1 - value; the best stays. */
public record TopP(double value) implements Warper {
    /** Checks it. */
    public TopP {
        Warper.require(value >= 0 && value <= 1, "top_p", "0 to 1", value);
    }

    @Override
    public void warp(Candidates candidates) {
        candidates.softmax();
        double cut = 0;
        int end = candidates.to();
        while (end > candidates.from() && cut + candidates.probability(end - 1) <= 1 - value) {
            cut += candidates.probability(--end);
        }
        candidates.keepFirst(end - candidates.from());
    }
}
