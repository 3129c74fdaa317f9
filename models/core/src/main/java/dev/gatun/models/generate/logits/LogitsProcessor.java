package dev.gatun.models.generate.logits;

/**
 * Changes the scores of a sequence's next token before it is chosen. The ones of this package run in Hugging Face's order, whatever order
 * they are given in; others run after them, in the order given, and before temperature and the cuts of sampling.
 */
@FunctionalInterface
public interface LogitsProcessor {
    /**
     * Called once for each sequence and token, on the thread that generates; to call the session from here is refused.
     *
     * @param scores  logits of greedy search and sampling, log-probabilities of beam search
     * @param context the tokens before
     */
    void process(TokenScores scores, TokenContext context);

    /** Whether it is also called, first and with unchanged scores, for the tokens of a prompt that are given, not chosen. */
    default boolean seesPrompt() {
        return false;
    }

    /**
     * Refuses what the model cannot take.
     *
     * @throws IllegalArgumentException that names the option
     */
    default void check(Bounds bounds) {
    }

    /**
     * What parameters have to fit.
     *
     * @param vocabSize   ids run from 0 to vocabSize - 1
     * @param endTokens   how many tokens end a sequence
     * @param tokenSource whether sources are tokens of the target's vocabulary
     */
    record Bounds(int vocabSize, int endTokens, boolean tokenSource) {
        void id(String option, int id) {
            if (id < 0 || id >= vocabSize) {
                throw new IllegalArgumentException(option + " is " + id + ", the vocabulary has 0 to " + (vocabSize - 1));
            }
        }

        void end(String option) {
            if (endTokens == 0) {
                throw new IllegalArgumentException(option + " has a meaning only for a model with an end token");
            }
        }

        void source(String option) {
            if (!tokenSource) {
                throw new IllegalArgumentException(option + " needs sources of the target's tokens, which this model does not read");
            }
        }
    }
}
