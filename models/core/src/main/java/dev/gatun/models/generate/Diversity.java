package dev.gatun.models.generate;

/** What groups of beams have chosen in a step, and what it costs a later group to choose it again. One thread. */
final class Diversity {
    private final double penalty;
    private final int[] chosen;
    private int count;

    Diversity(double penalty, int beams) {
        this.penalty = penalty;
        this.chosen = new int[beams];
    }

    void clear() {
        count = 0;
    }

    void add(Continuations group) {
        for (int i = 0; i < group.count; i++) {
            chosen[count++] = group.tokens[i];
        }
    }

    double cost(int token) {
        int times = 0;
        for (int i = 0; i < count; i++) {
            times += chosen[i] == token ? 1 : 0;
        }
        return times * penalty;
    }

    /** @throws IllegalArgumentException if groups do not divide the beams, or have nothing to differ by */
    static void check(int beams, int groups, double penalty, boolean doSample) {
        GenerationOptions.require(groups >= 1 && beams % groups == 0, "num_beam_groups " + groups + " does not divide num_beams " + beams);
        GenerationOptions.require(Double.isFinite(penalty) && penalty >= 0, "diversity_penalty must be 0 or more, not " + penalty);
        GenerationOptions.require(groups == 1 || penalty > 0, "num_beam_groups " + groups
                + " needs a diversity_penalty above 0: groups would be alike");
        GenerationOptions.require(groups == 1 || !doSample, "num_beam_groups " + groups + " and do_sample exclude each other");
    }
}
