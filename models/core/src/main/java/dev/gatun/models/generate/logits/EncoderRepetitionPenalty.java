package dev.gatun.models.generate.logits;

/** {@code encoder_repetition_penalty}: above 1 makes tokens of the source more likely. */
public record EncoderRepetitionPenalty(double penalty) implements LogitsProcessor {
    /** Checks it. */
    public EncoderRepetitionPenalty {
        if (!(penalty > 0) || !Double.isFinite(penalty)) {
            throw new IllegalArgumentException("encoder_repetition_penalty must be positive, not " + penalty);
        }
    }

    @Override
    public void process(TokenScores scores, TokenContext context) {
        scores.clearMarks();
        for (int i = 0; i < context.sourceLength(); i++) {
            RepetitionPenalty.apply(scores, context.sourceToken(i), 1 / penalty);
        }
    }

    @Override
    public void check(Bounds bounds) {
        bounds.source("encoder_repetition_penalty");
    }
}
