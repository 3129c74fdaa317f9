package dev.gatun.models.generate;

import java.util.Arrays;

/**
 * One generated sequence.
 *
 * @param ids    tokens after the start token, with eos where the sequence ended in one
 * @param score  sum of the tokens' log-probabilities, as the search saw them, divided by tokens ** lengthPenalty
 * @param finish why it ended
 */
public record Generated(int[] ids, double score, Finish finish) {

    /** EOS: the end token; STOP: a stop sequence; LENGTH: max_length; FORBIDDEN: no token was allowed; CANCELLED: the listener said so. */
    public enum Finish { EOS, STOP, LENGTH, FORBIDDEN, CANCELLED }

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
