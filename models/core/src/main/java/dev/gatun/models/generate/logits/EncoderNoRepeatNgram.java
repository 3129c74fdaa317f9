package dev.gatun.models.generate.logits;

/** {@code encoder_no_repeat_ngram_size}: no token that follows the last size - 1 tokens in the source. */
public record EncoderNoRepeatNgram(int size) implements LogitsProcessor {
    /** Checks it. */
    public EncoderNoRepeatNgram {
        if (size < 1) {
            throw new IllegalArgumentException("encoder_no_repeat_ngram_size must be 0 or more, not " + size);
        }
    }

    @Override
    public void process(TokenScores scores, TokenContext context) {
        int last = context.length() - (size - 1);
        for (int start = 0; last >= 0 && start + size <= context.sourceLength(); start++) {
            int matching = 0;
            while (matching < size - 1 && context.sourceToken(start + matching) == context.token(last + matching)) {
                matching++;
            }
            if (matching == size - 1) {
                scores.forbid(context.sourceToken(start + matching));
            }
        }
    }

    @Override
    public void check(Bounds bounds) {
        bounds.source("encoder_no_repeat_ngram_size");
    }
}
