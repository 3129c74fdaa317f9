package dev.gatun.models.layer;

import dev.gatun.tensor.op.Activation;

/**
 * Sizes and kinds of a Transformer encoder's parts (Vaswani et al. 2017; Devlin et al. 2018): what every family's config comes down to.
 *
 * @param name       for messages, as {@code roberta}
 * @param vocabSize  rows of the word embeddings
 * @param typeCount  rows of the token type embeddings, 0 for none
 * @param hiddenSize dModel
 * @param numLayers  layers, which may share weights
 * @param numHeads   attention heads
 * @param numKvHeads heads of keys and values, a divisor of numHeads
 * @param headDim    elements of a head
 * @param dFf        columns between the two products of the feed-forward
 * @param maxLength  tokens of the longest sequence
 * @param normEps    added to the variance
 * @param normFirst  whether layers normalize their input rather than their result
 * @param activation of the feed-forward
 * @param causal     whether a token sees only those before it
 */
public record EncoderSpec(String name, int vocabSize, int typeCount, int hiddenSize, int numLayers, int numHeads, int numKvHeads,
        int headDim, int dFf, int maxLength, float normEps, boolean normFirst, Activation activation, boolean causal) {

    /** Checks the numbers. */
    public EncoderSpec {
        positive("vocab_size", vocabSize);
        positive("hidden_size", hiddenSize);
        positive("num_hidden_layers", numLayers);
        positive("num_attention_heads", numHeads);
        positive("num_key_value_heads", numKvHeads);
        positive("head_dim", headDim);
        if (numHeads % numKvHeads != 0) {
            throw new IllegalArgumentException("num_key_value_heads " + numKvHeads + " does not divide num_attention_heads " + numHeads);
        }
        positive("intermediate_size", dFf);
        positive("max_position_embeddings", maxLength);
        if (!(normEps >= 0)) {
            throw new IllegalArgumentException("layer_norm_eps must be 0 or more, not " + normEps);
        }
    }

    /** Every query head has a key and value head of its own. */
    public EncoderSpec(String name, int vocabSize, int typeCount, int hiddenSize, int numLayers, int numHeads, int headDim, int dFf,
            int maxLength,
            float normEps, boolean normFirst, Activation activation, boolean causal) {
        this(name, vocabSize, typeCount, hiddenSize, numLayers, numHeads, numHeads, headDim, dFf, maxLength, normEps, normFirst,
                activation, causal);
    }

    private static void positive(String field, int value) {
        if (value <= 0) {
            throw new IllegalArgumentException(field + " must be positive, not " + value);
        }
    }
}
