package dev.gatun.models.generate.logits;

import java.util.List;

/** {@code sequence_bias}: what is added to the score of a token that completes a sequence of tokens. */
public record SequenceBias(List<Biased> sequences) implements LogitsProcessor {
    /** A sequence and its bias. */
    public record Biased(List<Integer> ids, float bias) {
        /** Checks them. */
        public Biased {
            ids = List.copyOf(ids);
            if (ids.isEmpty() || Float.isNaN(bias)) {
                throw new IllegalArgumentException("sequence_bias has " + ids + " with a bias of " + bias
                        + ", expected tokens and a number");
            }
        }
    }

    /** Copies them. */
    public SequenceBias {
        sequences = List.copyOf(sequences);
    }

    @Override
    public void process(TokenScores scores, TokenContext context) {
        for (int i = 0; i < sequences.size(); i++) {
            List<Integer> ids = sequences.get(i).ids();
            if (TokenSequences.completes(ids, context)) {
                scores.set(ids.getLast(), scores.get(ids.getLast()) + sequences.get(i).bias());
            }
        }
    }

    @Override
    public void check(Bounds bounds) {
        sequences.forEach(sequence -> sequence.ids().forEach(id -> bounds.id("sequence_bias has id", id)));
    }
}
