package dev.gatun.models.generate.logits;

/** {@code prefix_allowed_tokens_fn}: only the tokens that a function allows. Where the model forbids each of them, all count as equal. */
public record PrefixConstraint(Allowed allowed) implements LogitsProcessor {
    /** Says which tokens may come next. */
    @FunctionalInterface
    public interface Allowed {
        /** Ids, one or more, each in the vocabulary; not kept or changed. */
        int[] after(TokenContext context);
    }

    @Override
    public void process(TokenScores scores, TokenContext context) {
        int[] ids = allowed.after(context);
        if (ids.length == 0) {
            throw new IllegalArgumentException("the prefix function allows no token after " + context.length() + " tokens of source "
                    + context.source());
        }
        scores.clearMarks();
        boolean possible = false;
        for (int id : ids) {
            scores.mark(java.util.Objects.checkIndex(id, scores.size()));
            possible |= scores.get(id) > Float.NEGATIVE_INFINITY;
        }
        for (int id = 0; id < scores.size(); id++) {
            if (scores.mark(id)) {
                scores.forbid(id);
            } else if (!possible) {
                scores.set(id, 0);
            }
        }
    }
}
