package dev.gatun.models.generate;

import java.util.Arrays;

/** Continuations of beams: their parents, tokens and sums, best first. In memory reserved at the start. */
sealed class Continuations permits DrawnContinuations, DiverseContinuations {
    final int[] parents;
    final int[] tokens;
    final double[] sums;
    private final int[] next;
    int count;

    Continuations(int most, int beams) {
        parents = new int[most];
        tokens = new int[most];
        sums = new double[most];
        next = new int[beams];
    }

    /** Takes the best of all beams, by merging the rows' ranks. */
    void collect(Sequence[] live, int liveCount, Search.Scores scores, int firstRow) {
        Arrays.fill(next, 0);
        count = 0;
        while (count < sums.length) {
            int parent = -1;
            double highest = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < liveCount; i++) {
                double sum = next[i] == scores.ranks() ? Double.NEGATIVE_INFINITY
                        : live[i].sum + scores.logProbability(firstRow + i, next[i]);
                if (sum > highest) {
                    highest = sum;
                    parent = i;
                }
            }
            if (parent < 0) {
                return;
            }
            set(count++, parent, scores.ranked().index(firstRow + parent, next[parent]++), highest);
        }
    }

    final void set(int at, int parent, int token, double sum) {
        parents[at] = parent;
        tokens[at] = token;
        sums[at] = sum;
    }

    /** Puts one behind all that are as good, unless there are enough that are. */
    final void insert(int parent, int token, double sum) {
        int at = count;
        while (at > 0 && sums[at - 1] < sum) {
            at--;
        }
        if (at == sums.length) {
            return;
        }
        int moved = Math.min(count, sums.length - 1) - at;
        System.arraycopy(parents, at, parents, at + 1, moved);
        System.arraycopy(tokens, at, tokens, at + 1, moved);
        System.arraycopy(sums, at, sums, at + 1, moved);
        set(at, parent, token, sum);
        count = Math.min(count + 1, sums.length);
    }
}
