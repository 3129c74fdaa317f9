package dev.gatun.models.generate.logits;

/** {@code min_length}: no end token while the sequence, what was given included, is shorter. */
public record MinLength(int length) implements LogitsProcessor {
    /** Checks it. */
    public MinLength {
        if (length < 0) {
            throw new IllegalArgumentException("min_length must be 0 or more, not " + length);
        }
    }

    @Override
    public void process(TokenScores scores, TokenContext context) {
        if (context.length() < length) {
            forbidEnds(scores, context);
        }
    }

    static void forbidEnds(TokenScores scores, TokenContext context) {
        for (int i = 0; i < context.endTokens(); i++) {
            scores.forbid(context.endToken(i));
        }
    }

    @Override
    public void check(Bounds bounds) {
        bounds.end("min_length");
    }
}
