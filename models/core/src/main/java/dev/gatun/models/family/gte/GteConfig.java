package dev.gatun.models.family.gte;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.encode.RotarySettings;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.op.Activation;

/**
 * Sizes of a GTE; mirrors {@code config.json}.
 *
 * @param spec   sizes
 * @param rotary positions
 */
record GteConfig(EncoderSpec spec, RotarySettings rotary) {

    /** Reads the fields; what is absent has transformers' default. */
    static GteConfig of(ConfigFields config) {
        config.ignore("hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range", "pad_token_id", "classifier_dropout",
                "bos_token_id", "eos_token_id", "tie_word_embeddings", "unpad_inputs", "use_memory_efficient_attention", "use_cache",
                "auto_map");
        config.require("is_encoder_decoder", false);
        config.require("position_embedding_type", "rope");
        config.require("layer_norm_type", "layer_norm");
        config.require("pack_qkv", true);
        config.require("logn_attention_scale", false);
        config.require("logn_attention_clip1", false);
        int d = config.integer("hidden_size", 1, 1 << 20, 768);
        int heads = config.integer("num_attention_heads", 1, 1 << 12, 12);
        int positions = config.integer("max_position_embeddings", 1, 1 << 24, 8192);
        if (d % heads != 0 || d / heads % 2 != 0) {
            throw new IllegalArgumentException("hidden_size " + d + " is not an even multiple of num_attention_heads " + heads);
        }
        return new GteConfig(new EncoderSpec("gte", config.integer("vocab_size", 1, Integer.MAX_VALUE, 250048),
                config.integer("type_vocab_size", 0, 1 << 20, 1), d, config.integer("num_hidden_layers", 1, 1 << 12, 12), heads, d / heads,
                config.integer("intermediate_size", 1, 1 << 22, 3072), positions, (float) config.number("layer_norm_eps", 1e-12), false,
                Activations.of(config, "hidden_act", Activation.GELU_ERF), false),
                RotarySettings.of(config, 160_000, d / heads, positions));
    }
}
