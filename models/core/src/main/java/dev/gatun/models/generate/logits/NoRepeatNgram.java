package dev.gatun.models.generate.logits;

/** {@code no_repeat_ngram_size}: no token that followed an earlier occurrence of the last size - 1 tokens. */
public record NoRepeatNgram(int size) implements LogitsProcessor {
    /** Checks it. */
    public NoRepeatNgram {
        if (size < 1) {
            throw new IllegalArgumentException("no_repeat_ngram_size must be 0 or more, not " + size);
        }
    }

    @Override
    public void process(TokenScores scores, TokenContext context) {
        int last = context.length() - (size - 1);
        for (int start = 0; start + size <= context.length(); start++) {
            int matching = 0;
            while (matching < size - 1 && context.token(start + matching) == context.token(last + matching)) {
                matching++;
            }
            if (matching == size - 1) {
                scores.forbid(context.token(start + matching));
            }
        }
    }
}
