package dev.gatun.models.generate;

import java.util.Arrays;

/**
 * One generated sequence.
 *
 * @param ids    tokens after the prompt, with eos where the sequence ended in one
 * @param score  sum of tokenScores divided by tokens ** lengthPenalty
 * @param tokenScores log-probability of each token: after the processors and before temperature and cuts; of beam search as the search
 *               added them up
 * @param finish why it ended
 */
public record Generated(int[] ids, double score, float[] tokenScores, Finish finish) {

    /**
     * EOS: the end token; STOP: a stop sequence or string; LENGTH: max_length; TIME: max_time; FORBIDDEN: no token was allowed; CANCELLED:
     * the listener said so.
     */
    public enum Finish { EOS, STOP, LENGTH, TIME, FORBIDDEN, CANCELLED }

    @Override
    public boolean equals(Object other) {
        return other instanceof Generated that && Arrays.equals(ids, that.ids) && score == that.score && finish == that.finish;
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(ids);
    }

    @Override
    public String toString() {
        return "Generated" + Arrays.toString(ids) + " score " + score + " " + finish;
    }
}
