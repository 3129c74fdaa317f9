package dev.gatun.models.encode;

import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.op.Activation;

/**
 * An encoder whose layers no family describes: they are a graph's, or computed outside.
 *
 * @param spec          what is known of its sizes; others are 1
 * @param hasPositions  whether the layers read positions
 * @param firstPosition of a sequence's first token
 * @param padId         a token that does not count as a position, or -1
 * @param layers        or null where rows are computed outside
 * @param outside       computes rows, or null
 */
public record ImportedEncoder(EncoderSpec spec, boolean hasPositions, int firstPosition, int padId, Layers layers, TokenRows outside) {

    /** Adds layers to a graph. */
    @FunctionalInterface
    public interface Layers {
        /**
         * From tokens to rows.
         *
         * @param ids          S32 [tokens]
         * @param positions    S32 [tokens], or null
         * @param types        S32 [tokens], or null
         * @param sequences    S32 [2 + maxSequences]: how many, then their offsets
         * @param maxSequences rows of a result for each sequence
         * @return F32 [tokens or maxSequences, hiddenSize]
         */
        Port add(GraphBuilder graph, Port ids, Port positions, Port types, Port sequences, int maxSequences);
    }

    /**
     * The sizes of an import.
     *
     * @param typeCount 0 where types are not read
     */
    public static EncoderSpec spec(String name, int vocabSize, int typeCount, int hiddenSize, int maxLength) {
        return new EncoderSpec(name, vocabSize, typeCount, hiddenSize, 1, 1, 1, 1, maxLength, 0f, false, Activation.NONE, false);
    }
}
