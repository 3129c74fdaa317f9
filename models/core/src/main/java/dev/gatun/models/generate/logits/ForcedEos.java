package dev.gatun.models.generate.logits;

import java.util.List;

/** {@code forced_eos_token_id}: the last token at max_length, one of these. */
public record ForcedEos(List<Integer> ids) implements LogitsProcessor {
    /** Checks them. */
    public ForcedEos {
        ids = List.copyOf(ids);
        if (ids.isEmpty()) {
            throw new IllegalArgumentException("forced_eos_token_id has no token");
        }
    }

    @Override
    public void process(TokenScores scores, TokenContext context) {
        if (context.length() == context.maxLength() - 1) {
            scores.forbid(0, scores.size());
            for (int i = 0; i < ids.size(); i++) {
                scores.set(ids.get(i), 0);
            }
        }
    }

    @Override
    public void check(Bounds bounds) {
        ids.forEach(id -> bounds.id("forced_eos_token_id", id));
    }
}
