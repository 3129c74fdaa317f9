package dev.gatun.models.family.t5;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.op.Activation;
import java.util.Map;

/**
 * Sizes of a T5's encoder; mirrors {@code config.json}.
 *
 * @param spec        sizes; the longest sequence is no limit of the model's, but of memory
 * @param gated       whether the feed-forward is
 * @param buckets     {@code relative_attention_num_buckets}
 * @param maxDistance {@code relative_attention_max_distance}
 */
record T5EncoderConfig(EncoderSpec spec, boolean gated, int buckets, int maxDistance) {
    static final int LONGEST = 8192;
    private static final Map<String, Activation> FEED_FORWARDS = Map.of("relu", Activation.RELU, "gated-gelu", Activation.GELU_TANH,
            "gated-silu", Activation.SILU, "gated-relu", Activation.RELU, "gelu", Activation.GELU_ERF, "silu", Activation.SILU);

    /** Reads the fields; what is absent has transformers' default. */
    static T5EncoderConfig of(ConfigFields config) {
        config.ignore("num_decoder_layers", "dropout_rate", "initializer_factor", "is_encoder_decoder", "use_cache", "pad_token_id",
                "eos_token_id", "classifier_dropout", "dense_act_fn", "is_gated_act", "n_positions", "output_past",
                "decoder_start_token_id",
                "task_specific_params", "tie_word_embeddings", "scale_decoder_outputs");
        config.require("is_decoder", false);
        int d = config.integer("d_model", 1, 1 << 20, 512);
        Activation activation = config.choice("feed_forward_proj", Activation.RELU, FEED_FORWARDS);
        EncoderSpec spec = new EncoderSpec("t5-encoder", config.integer("vocab_size", 1, Integer.MAX_VALUE, 32128), 0, d,
                config.integer("num_layers", 1, 1 << 12, 6), config.integer("num_heads", 1, 1 << 12, 8), config.integer("d_kv", 1, 1 << 16,
                64),
                config.integer("d_ff", 1, 1 << 22, 2048), LONGEST, (float) config.number("layer_norm_epsilon", 1e-6), true, activation,
                false);
        return new T5EncoderConfig(spec, config.text("feed_forward_proj", "relu").startsWith("gated-"),
                config.integer("relative_attention_num_buckets", 4, 1 << 12, 32), config.integer("relative_attention_max_distance", 4,
                1 << 16, 128));
    }
}
