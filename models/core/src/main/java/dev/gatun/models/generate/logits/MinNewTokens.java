package dev.gatun.models.generate.logits;

/** {@code min_new_tokens}: no end token while fewer were chosen. */
public record MinNewTokens(int count) implements LogitsProcessor {
    /** Checks it. */
    public MinNewTokens {
        if (count < 0) {
            throw new IllegalArgumentException("min_new_tokens must be 0 or more, not " + count);
        }
    }

    @Override
    public void process(TokenScores scores, TokenContext context) {
        if (context.length() - context.promptLength() < count) {
            MinLength.forbidEnds(scores, context);
        }
    }

    @Override
    public void check(Bounds bounds) {
        bounds.end("min_new_tokens");
    }
}
