package dev.gatun.models.layer;

import dev.gatun.tensor.graph.Weight;

/** How a Transformer knows where a token is. */
public sealed interface Positions {

    /** Nothing of the model says it. */
    record None() implements Positions {
    }

    /**
     * A row for each position is added to the embedding; sinusoidal ones are a table too.
     *
     * @param table         [positions, embeddingSize]
     * @param firstPosition row of a sequence's first token: 0, or RoBERTa's {@code pad_token_id + 1}
     * @param padId         a token that does not count, as RoBERTa's padding, which has the row before the first; or -1
     */
    record Absolute(Weight table, int firstPosition, int padId) implements Positions {
        /** From row 0 on, every token counting. */
        public Absolute(Weight table) {
            this(table, 0, -1);
        }
    }
}
