package dev.gatun.models.generate.sample;

/** {@code top_h}: of the best 100 the likeliest whose entropy terms add up to at most value times the entropy of all 100. */
public record TopH(double value) implements Warper {
    private static final int MOST = 100;

    /** Checks it. */
    public TopH {
        Warper.require(value > 0 && value <= 1, "top_h", "above 0 and at most 1", value);
    }

    @Override
    public void warp(Candidates candidates) {
        candidates.keep(candidates.from(), Math.min(candidates.to(), candidates.from() + MOST));
        candidates.softmax();
        double most = candidates.entropy() * value;
        int end = candidates.from();
        double sum = 0;
        while (end < candidates.to()) {
            double p = candidates.probability(end);
            sum -= p > 0 ? p * Math.log(p) : 0;
            if (sum > most) {
                break;
            }
            end++;
        }
        candidates.keep(candidates.from(), Math.max(end, candidates.from() + 1));
    }

    @Override
    public int ranks(int vocabSize) {
        return Math.min(MOST, vocabSize);
    }
}
