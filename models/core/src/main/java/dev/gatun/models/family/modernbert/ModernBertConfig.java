package dev.gatun.models.family.modernbert;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.encode.RotarySettings;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.op.Activation;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Sizes of a ModernBERT; mirrors {@code config.json}.
 *
 * @param spec           sizes
 * @param sliding        which layers see only what is near
 * @param localAttention how many tokens those see, half of them on each side
 * @param global         rotary positions of the other layers
 * @param local          of those
 * @param normBias       whether norms have a beta
 * @param attentionBias  whether projections of attention have a bias
 * @param mlpBias        whether those of the feed-forward have
 */
record ModernBertConfig(EncoderSpec spec, List<Boolean> sliding, int localAttention, RotarySettings global, RotarySettings local,
        boolean normBias, boolean attentionBias, boolean mlpBias) {

    /** Reads the fields, old and new names; what is absent has transformers' default. */
    static ModernBertConfig of(ConfigFields config) {
        config.ignore("initializer_range", "initializer_cutoff_factor", "eos_token_id", "bos_token_id", "cls_token_id", "sep_token_id",
                "pad_token_id", "attention_dropout", "embedding_dropout", "mlp_dropout", "classifier_dropout", "deterministic_flash_attn",
                "sparse_prediction", "sparse_pred_ignore_index", "reference_compile", "repad_logits_with_grad", "tie_word_embeddings",
                "gradient_checkpointing", "layer_norm_eps", "position_embedding_type", "use_cache");
        config.require("is_encoder_decoder", false);
        int d = config.integer("hidden_size", 1, 1 << 20, 768);
        int heads = config.integer("num_attention_heads", 1, 1 << 12, 12);
        int layers = config.integer("num_hidden_layers", 1, 1 << 12, 22);
        int positions = config.integer("max_position_embeddings", 1, 1 << 24, 8192);
        if (d % heads != 0 || d / heads % 2 != 0) {
            throw new IllegalArgumentException("hidden_size " + d + " is not an even multiple of num_attention_heads " + heads);
        }
        EncoderSpec spec = new EncoderSpec("modernbert", config.integer("vocab_size", 1, Integer.MAX_VALUE, 50368), 0, d, layers, heads,
                d / heads,
                config.integer("intermediate_size", 1, 1 << 22, 1152), positions, (float) config.number("norm_eps", 1e-5), true,
                Activations.of(config, "hidden_activation", Activation.GELU_ERF), false);
        return new ModernBertConfig(spec, sliding(config, layers), config.integer("local_attention", 2, 1 << 24, 128),
                rotary(config, "full_attention", config.number("global_rope_theta", 160_000), d / heads, positions),
                rotary(config, "sliding_attention", config.number("local_rope_theta", 10_000), d / heads, positions),
                config.flag("norm_bias", false), config.flag("attention_bias", false), config.flag("mlp_bias", false));
    }

    private static RotarySettings rotary(ConfigFields config, String layers, double theta, int headDim, int positions) {
        return RotarySettings.ofObject(config.object("rope_parameters").object(layers), theta, headDim, positions);
    }

    private static List<Boolean> sliding(ConfigFields config, int layers) {
        int every = config.integer("global_attn_every_n_layers", 1, 1 << 12, 3);
        List<String> types = config.texts("layer_types");
        if (types == null) {
            return IntStream.range(0, layers).mapToObj(i -> i % every != 0).toList();
        }
        if (types.size() != layers || !List.of("full_attention", "sliding_attention").containsAll(types)) {
            throw config.error("layer_types", layers + " times full_attention or sliding_attention");
        }
        return types.stream().map("sliding_attention"::equals).toList();
    }
}
