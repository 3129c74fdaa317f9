package dev.gatun.models.family.bert;

import dev.gatun.tensor.op.Activation;

/**
 * Sizes of a BERT encoder; mirrors {@code config.json} of the public checkpoints.
 *
 * @param vocabSize        rows of the word embeddings
 * @param hiddenSize       dModel
 * @param numLayers        {@code num_hidden_layers}
 * @param numHeads         {@code num_attention_heads}; divides hiddenSize
 * @param intermediateSize dFf
 * @param maxPositions     {@code max_position_embeddings}: the longest sequence, in tokens
 * @param typeVocabSize    rows of the token type embeddings
 * @param layerNormEps     added to the variance
 * @param activation       {@code hidden_act}
 */
public record BertConfig(int vocabSize, int hiddenSize, int numLayers, int numHeads, int intermediateSize,
        int maxPositions, int typeVocabSize, float layerNormEps, Activation activation) {

    /** Checks the sizes. */
    public BertConfig {
        positive("vocab_size", vocabSize);
        positive("hidden_size", hiddenSize);
        positive("num_hidden_layers", numLayers);
        positive("num_attention_heads", numHeads);
        positive("intermediate_size", intermediateSize);
        positive("max_position_embeddings", maxPositions);
        positive("type_vocab_size", typeVocabSize);
        if (hiddenSize % numHeads != 0) {
            throw new IllegalArgumentException(
                    "hidden_size " + hiddenSize + " is not a multiple of num_attention_heads " + numHeads);
        }
        if (!(layerNormEps >= 0)) {
            throw new IllegalArgumentException("layer_norm_eps must be 0 or more, not " + layerNormEps);
        }
    }

    private static void positive(String name, int value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive, not " + value);
        }
    }

    /** Columns of one attention head. */
    public int headDim() {
        return hiddenSize / numHeads;
    }
}
