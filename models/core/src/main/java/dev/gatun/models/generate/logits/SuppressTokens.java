package dev.gatun.models.generate.logits;

import java.util.List;

/** {@code suppress_tokens}: tokens that never come. */
public record SuppressTokens(List<Integer> ids) implements LogitsProcessor {
    /** Copies them. */
    public SuppressTokens {
        ids = List.copyOf(ids);
    }

    @Override
    public void process(TokenScores scores, TokenContext context) {
        for (int i = 0; i < ids.size(); i++) {
            scores.forbid(ids.get(i));
        }
    }

    @Override
    public void check(Bounds bounds) {
        ids.forEach(id -> bounds.id("suppress_tokens has id", id));
    }
}
