package dev.gatun.models.generate.logits;

/** {@code forced_bos_token_id}: the token after the start token. */
public record ForcedBos(int id) implements LogitsProcessor {
    @Override
    public void process(TokenScores scores, TokenContext context) {
        if (context.length() == 1) {
            scores.forbid(0, scores.size());
            scores.set(id, 0);
        }
    }

    @Override
    public void check(Bounds bounds) {
        bounds.id("forced_bos_token_id", id);
    }
}
