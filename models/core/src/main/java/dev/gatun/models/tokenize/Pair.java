package dev.gatun.models.tokenize;

import java.util.Objects;

/**
 * Two texts that a model reads together: a query and a document, a question and its context, a premise and a hypothesis.
 *
 * @param first  comes first
 * @param second comes second
 */
public record Pair(String first, String second) {
    /** Refuses null. */
    public Pair {
        Objects.requireNonNull(first, "the first text is null");
        Objects.requireNonNull(second, "the second text is null");
    }
}
