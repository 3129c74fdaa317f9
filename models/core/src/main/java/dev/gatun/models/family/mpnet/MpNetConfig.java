package dev.gatun.models.family.mpnet;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.op.Activation;

/**
 * Sizes of an MPNet; mirrors {@code config.json}.
 *
 * @param vocabSize        rows of the word embeddings
 * @param hiddenSize       dModel
 * @param numLayers        {@code num_hidden_layers}
 * @param numHeads         {@code num_attention_heads}; divides hiddenSize
 * @param intermediateSize dFf
 * @param positionRows     {@code max_position_embeddings}, of which the first two belong to no token
 * @param layerNormEps     added to the variance
 * @param activation       {@code hidden_act}
 */
record MpNetConfig(int vocabSize, int hiddenSize, int numLayers, int numHeads, int intermediateSize, int positionRows,
        float layerNormEps, Activation activation) {

    /** Reads the fields; what is absent has transformers' default. */
    static MpNetConfig of(ConfigFields config) {
        config.ignore("hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range", "bos_token_id", "eos_token_id",
                "pad_token_id",
                "tie_word_embeddings");
        // transformers' code has 32, whatever the config says.
        config.require("relative_attention_num_buckets", MpNet.BUCKETS);
        config.require("is_encoder_decoder", false);
        config.require("is_decoder", false);
        config.require("add_cross_attention", false);
        return new MpNetConfig(config.integer("vocab_size", 1, Integer.MAX_VALUE, 30527), config.integer("hidden_size", 1, 1 << 20, 768),
                config.integer("num_hidden_layers", 1, 1 << 12, 12), config.integer("num_attention_heads", 1, 1 << 12, 12),
                config.integer("intermediate_size", 1, 1 << 22, 3072), config.integer("max_position_embeddings", 3, 1 << 24, 512),
                (float) config.number("layer_norm_eps", 1e-12),
                Activations.of(config, "hidden_act", Activation.GELU_ERF));
    }

    EncoderSpec spec(int firstPosition) {
        if (hiddenSize % numHeads != 0) {
            throw new IllegalArgumentException("hidden_size " + hiddenSize + " is not a multiple of num_attention_heads " + numHeads);
        }
        return new EncoderSpec("mpnet", vocabSize, 0, hiddenSize, numLayers, numHeads, hiddenSize / numHeads, intermediateSize,
                positionRows - firstPosition, layerNormEps, false, activation, false);
    }
}
