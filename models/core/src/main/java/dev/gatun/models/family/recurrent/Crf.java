package dev.gatun.models.family.recurrent;

import dev.gatun.models.checkpoint.WeightScope;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A linear-chain conditional random field (Lafferty et al. 2001) by the names of pytorch-crf: a path scores its tags, where it starts and
 * ends, and each transition. Immutable.
 *
 * @param start       [tags]
 * @param end         [tags]
 * @param transitions [tags, tags], from a row's tag to a column's
 */
public record Crf(float[] start, float[] end, float[] transitions) {

    /** Reads {@code start_transitions}, {@code end_transitions} and {@code transitions}. */
    static Crf of(WeightScope scope, int tags) {
        return new Crf(scope.tensor("start_transitions", tags).toFloats(), scope.tensor("end_transitions", tags).toFloats(),
                scope.tensor("transitions", tags, tags).toFloats());
    }

    /**
     * The path of the largest score (Viterbi 1967); of equal ones that of lower tags at the end.
     *
     * @param scores F32 [.., tags]
     * @param first  row of the first word
     * @param count  words, 0 or more
     */
    public int[] best(MemorySegment scores, long first, int count) {
        int tags = start.length;
        if (count < 0) {
            throw new IllegalArgumentException("a path of " + count + " words, expected 0 or more");
        }
        int[] path = new int[count];
        if (count == 0) {
            return path;
        }
        int[][] from = new int[count][tags];
        double[] reached = new double[tags];
        for (int t = 0; t < tags; t++) {
            reached[t] = start[t] + (double) scores.getAtIndex(ValueLayout.JAVA_FLOAT, first * tags + t);
        }
        for (int i = 1; i < count; i++) {
            double[] next = new double[tags];
            for (int t = 0; t < tags; t++) {
                int best = 0;
                for (int u = 1; u < tags; u++) {
                    best = reached[u] + transitions[u * tags + t] > reached[best] + transitions[best * tags + t] ? u : best;
                }
                from[i][t] = best;
                next[t] = reached[best] + transitions[best * tags + t] + scores.getAtIndex(ValueLayout.JAVA_FLOAT, (first + i) * tags + t);
            }
            reached = next;
        }
        int last = 0;
        for (int t = 1; t < tags; t++) {
            last = reached[t] + end[t] > reached[last] + end[last] ? t : last;
        }
        for (int i = count - 1; i >= 0; i--) {
            path[i] = last;
            last = from[i][last];
        }
        return path;
    }
}
