package dev.gatun.models.family.roberta;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.encode.CausalMask;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.op.Activation;

/**
 * Sizes of a RoBERTa; mirrors {@code config.json}.
 *
 * @param vocabSize        rows of the word embeddings
 * @param hiddenSize       dModel
 * @param numLayers        {@code num_hidden_layers}
 * @param numHeads         {@code num_attention_heads}; divides hiddenSize
 * @param intermediateSize dFf
 * @param positionRows     {@code max_position_embeddings}, of which the first {@code pad_token_id + 1} belong to no token
 * @param typeVocabSize    rows of the token type embeddings
 * @param layerNormEps     added to the variance
 * @param activation       {@code hidden_act}
 * @param padTokenId       does not count as a position
 * @param isDecoder        whether a token sees only those before it
 */
record RobertaConfig(int vocabSize, int hiddenSize, int numLayers, int numHeads, int intermediateSize, int positionRows, int typeVocabSize,
        float layerNormEps, Activation activation, int padTokenId, boolean isDecoder) {

    /** Reads the fields; what is absent has transformers' default. */
    static RobertaConfig of(ConfigFields config) {
        config.require("position_embedding_type", "absolute");
        config.require("is_encoder_decoder", false);
        config.require("add_cross_attention", false);
        config.ignore("hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range", "bos_token_id", "eos_token_id",
                "use_cache",
                "classifier_dropout", "tie_word_embeddings");
        return new RobertaConfig(config.integer("vocab_size", 1, Integer.MAX_VALUE, 50265), config.integer("hidden_size", 1, 1 << 20, 768),
                config.integer("num_hidden_layers", 1, 1 << 12, 12), config.integer("num_attention_heads", 1, 1 << 12, 12),
                config.integer("intermediate_size", 1, 1 << 22, 3072), config.integer("max_position_embeddings", 1, 1 << 24, 512),
                config.integer("type_vocab_size", 0, 1 << 20, 2), (float) config.number("layer_norm_eps", 1e-12),
                Activations.of(config, "hidden_act", Activation.GELU_ERF), config.integer("pad_token_id", 0, Integer.MAX_VALUE, 1),
                CausalMask.of(config));
    }

    EncoderSpec spec() {
        if (hiddenSize % numHeads != 0) {
            throw new IllegalArgumentException("hidden_size " + hiddenSize + " is not a multiple of num_attention_heads " + numHeads);
        }
        if (positionRows <= padTokenId + 1) {
            throw new IllegalArgumentException("max_position_embeddings " + positionRows + " leaves no position after pad_token_id "
                    + padTokenId);
        }
        return new EncoderSpec("roberta", vocabSize, typeVocabSize, hiddenSize, numLayers, numHeads, hiddenSize / numHeads,
                intermediateSize,
                positionRows - padTokenId - 1, layerNormEps, false, activation, isDecoder);
    }
}
