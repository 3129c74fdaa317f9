package dev.gatun.models.generate.logits;

/** {@code repetition_penalty} (Keskar et al. 2019): scores of tokens that occurred are divided by it, negative ones multiplied. */
public record RepetitionPenalty(double penalty) implements LogitsProcessor {
    /** Checks it. */
    public RepetitionPenalty {
        if (!(penalty > 0) || !Double.isFinite(penalty)) {
            throw new IllegalArgumentException("repetition_penalty must be positive, not " + penalty);
        }
    }

    @Override
    public void process(TokenScores scores, TokenContext context) {
        scores.clearMarks();
        for (int i = 0; i < context.length(); i++) {
            apply(scores, context.token(i), penalty);
        }
    }

    static void apply(TokenScores scores, int id, double penalty) {
        if (scores.mark(id)) {
            float score = scores.get(id);
            scores.set(id, (float) (score < 0 ? score * penalty : score / penalty));
        }
    }
}
