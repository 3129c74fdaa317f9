package dev.gatun.models.family.bert;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.encode.CausalMask;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.op.Activation;

/**
 * Sizes of a BERT encoder; mirrors {@code config.json}.
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
 * @param isDecoder        whether a token sees only those before it
 */
record BertConfig(int vocabSize, int hiddenSize, int numLayers, int numHeads, int intermediateSize, int maxPositions, int typeVocabSize,
        float layerNormEps, Activation activation, boolean isDecoder) {
    private static final int MAX_SIZE = 1 << 22;

    /**
     * Reads the fields; sizes must be there, the rest has transformers' default.
     *
     * @param positions the {@code position_embedding_type} that is served
     */
    static BertConfig of(ConfigFields config, String positions) {
        config.require("position_embedding_type", positions);
        config.require("is_encoder_decoder", false);
        config.require("add_cross_attention", false);
        config.ignore("hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range", "pad_token_id", "bos_token_id",
                "eos_token_id", "use_cache", "classifier_dropout", "tie_word_embeddings", "gradient_checkpointing");
        BertConfig found = new BertConfig(config.integer("vocab_size", 1, Integer.MAX_VALUE), config.integer("hidden_size", 1, MAX_SIZE),
                config.integer("num_hidden_layers", 1, MAX_SIZE), config.integer("num_attention_heads", 1, MAX_SIZE),
                config.integer("intermediate_size", 1, MAX_SIZE), config.integer("max_position_embeddings", 1, 1 << 24),
                config.integer("type_vocab_size", 1, MAX_SIZE, 2), (float) config.number("layer_norm_eps", 1e-12),
                Activations.of(config, "hidden_act", Activation.GELU_ERF), CausalMask.of(config));
        if (found.hiddenSize % found.numHeads != 0) {
            throw config.error("num_attention_heads", "a divisor of hidden_size " + found.hiddenSize);
        }
        if (!(found.layerNormEps >= 0)) {
            throw config.error("layer_norm_eps", "0 or more");
        }
        return found;
    }

    /** What an encoder is made of. */
    EncoderSpec spec() {
        return new EncoderSpec("bert", vocabSize, typeVocabSize, hiddenSize, numLayers, numHeads, hiddenSize / numHeads, intermediateSize,
                maxPositions, layerNormEps, false, activation, isDecoder);
    }
}
