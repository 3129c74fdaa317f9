package dev.gatun.models.encode;

import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Port;
import java.util.function.Function;

/**
 * What follows an encoder's last layer.
 *
 * @param width    columns that are computed
 * @param columns  columns of the result: the first ones of those
 * @param perToken whether there is a row for each token rather than for each sequence
 * @param skips    whether some first tokens of a sequence may be left out: each is then two, those tokens and the rest, whose row counts
 * @param describe adds it to the graph
 */
public record Head(int width, int columns, boolean perToken, boolean skips, Description describe) {
    /** One that sees all tokens of a sequence. */
    public Head(int width, int columns, boolean perToken, Description describe) {
        this(width, columns, perToken, false, describe);
    }

    /** Adds the layers of a head. */
    @FunctionalInterface
    public interface Description {
        /**
         * From the last layer's result to the head's.
         *
         * @param hidden       F32 [tokens, hiddenSize]
         * @param sequences    S32 [2 + maxSequences]
         * @param maxSequences rows of a result for each sequence
         * @return F32 [tokens or maxSequences, width]
         */
        Port add(GraphBuilder graph, Port hidden, Port sequences, int maxSequences);
    }

    /** One vector for each sequence, of an encoder that is yet to be described. */
    public static Function<TextEncoder, Head> pooled(Pooling pooling, boolean normalize) {
        return encoder -> new Head(encoder.spec().hiddenSize(), encoder.spec().hiddenSize(), false,
                (graph, hidden, sequences, maxSequences) -> graph.add("pool", pooling.op(normalize, maxSequences), hidden, sequences));
    }

    /** The last layer as it is. */
    public static Head hidden(int hiddenSize) {
        return same(hiddenSize, true);
    }

    /** What comes before, as it is. */
    public static Head same(int columns, boolean perToken) {
        return new Head(columns, columns, perToken, (graph, hidden, sequences, maxSequences) -> hidden);
    }
}
