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
}
