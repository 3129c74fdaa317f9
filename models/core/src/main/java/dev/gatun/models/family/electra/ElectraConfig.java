package dev.gatun.models.family.electra;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.encode.CausalMask;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.op.Activation;

/**
 * Sizes of an ELECTRA discriminator or generator; mirrors {@code config.json}.
 *
 * @param embeddingSize of the embeddings, projected to hiddenSize where they differ
 * @param spec          the rest
 */
record ElectraConfig(int embeddingSize, EncoderSpec spec) {

    /** Reads the fields; what is absent has transformers' default. */
    static ElectraConfig of(ConfigFields config) {
        config.require("position_embedding_type", "absolute");
        config.require("is_encoder_decoder", false);
        config.require("add_cross_attention", false);
        config.ignore("hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range", "bos_token_id", "eos_token_id",
                "use_cache",
                "classifier_dropout", "tie_word_embeddings", "pad_token_id", "summary_type", "summary_use_proj", "summary_activation",
                "summary_last_dropout");
        int hiddenSize = config.integer("hidden_size", 1, 1 << 20, 256);
        int numHeads = config.integer("num_attention_heads", 1, 1 << 12, 4);
        if (hiddenSize % numHeads != 0) {
            throw config.error("num_attention_heads", "a divisor of hidden_size " + hiddenSize);
        }
        return new ElectraConfig(config.integer("embedding_size", 1, 1 << 20, 128), new EncoderSpec("electra",
                config.integer("vocab_size", 1, Integer.MAX_VALUE, 30522), config.integer("type_vocab_size", 0, 1 << 20, 2), hiddenSize,
                config.integer("num_hidden_layers", 1, 1 << 12, 12), numHeads, hiddenSize / numHeads,
                config.integer("intermediate_size", 1, 1 << 22, 1024), config.integer("max_position_embeddings", 1, 1 << 24, 512),
                (float) config.number("layer_norm_eps", 1e-12), false, Activations.of(config, "hidden_act", Activation.GELU_ERF),
                CausalMask.of(config)));
    }
}
