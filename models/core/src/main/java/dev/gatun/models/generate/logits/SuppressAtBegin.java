package dev.gatun.models.generate.logits;

import java.util.List;

/** {@code begin_suppress_tokens}: tokens that are not the first to be chosen, or the second where the first is forced. */
public record SuppressAtBegin(List<Integer> ids) implements LogitsProcessor {
    /** Copies them. */
    public SuppressAtBegin {
        ids = List.copyOf(ids);
    }

    @Override
    public void process(TokenScores scores, TokenContext context) {
        for (int i = 0; context.length() == context.begin() && i < ids.size(); i++) {
            scores.forbid(ids.get(i));
        }
    }

    @Override
    public void check(Bounds bounds) {
        ids.forEach(id -> bounds.id("begin_suppress_tokens has id", id));
    }
}
