package dev.gatun.models.generate.logits;

/** {@code remove_invalid_values}: NaN becomes 0, infinities the largest numbers; without it they are an error. */
public record RemoveInvalid() implements LogitsProcessor {
    @Override
    public void process(TokenScores scores, TokenContext context) {
        for (int id = 0; id < scores.size(); id++) {
            float score = scores.get(id);
            if (!Float.isFinite(score)) {
                scores.set(id, Float.isNaN(score) ? 0 : Math.copySign(Float.MAX_VALUE, score));
            }
        }
    }
}
