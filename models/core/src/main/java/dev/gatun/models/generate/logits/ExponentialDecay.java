package dev.gatun.models.generate.logits;

/**
 * {@code exponential_decay_length_penalty}: after {@code start} chosen tokens the score of an end token grows by |score| (factor^n - 1), n
 * the tokens since. One that is forbidden stays so.
 */
public record ExponentialDecay(int start, double factor) implements LogitsProcessor {
    /** Checks them. */
    public ExponentialDecay {
        if (start < 0 || !(factor > 0) || !Double.isFinite(factor)) {
            throw new IllegalArgumentException("exponential_decay_length_penalty is [" + start + ", " + factor
                    + "], expected a start of 0 or more and a positive factor");
        }
    }

    @Override
    public void process(TokenScores scores, TokenContext context) {
        int past = context.length() - context.promptLength() - start;
        for (int i = 0; past > 0 && i < context.endTokens(); i++) {
            float score = scores.get(context.endToken(i));
            if (score > Float.NEGATIVE_INFINITY) {
                scores.set(context.endToken(i), score + (float) (Math.abs(score) * (Math.pow(factor, past) - 1)));
            }
        }
    }

    @Override
    public void check(Bounds bounds) {
        bounds.end("exponential_decay_length_penalty");
    }
}
