package dev.gatun.models.family.deberta;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.op.Activation;
import java.util.List;
import java.util.Locale;

/**
 * Sizes of a DeBERTa-v2 or v3; mirrors {@code config.json}.
 *
 * @param spec          sizes
 * @param relative      {@code relative_attention}
 * @param buckets       {@code position_buckets}, or 0
 * @param longest       {@code max_relative_positions}, which is max_position_embeddings where it is less than 1
 * @param normRelative  whether the embeddings of relative positions are normalized
 * @param shareKey      {@code share_att_key}: positions are projected as keys and queries are
 * @param contentToPosition whether queries meet positions
 * @param positionToContent whether keys do
 * @param absolute      {@code position_biased_input}: whether positions are added to the embeddings too
 */
record DebertaConfig(EncoderSpec spec, boolean relative, int buckets, int longest, boolean normRelative, boolean shareKey,
        boolean contentToPosition, boolean positionToContent, boolean absolute) {

    /** Reads the fields; what is absent has transformers' default. */
    static DebertaConfig of(ConfigFields config) {
        config.ignore("hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range", "pad_token_id", "bos_token_id",
                "eos_token_id",
                "pooler_dropout", "pooler_hidden_act", "pooler_hidden_size", "legacy", "tie_word_embeddings");
        config.require("is_encoder_decoder", false);
        config.require("conv_kernel_size", 0);
        int d = config.integer("hidden_size", 1, 1 << 20, 1536);
        int heads = config.integer("num_attention_heads", 1, 1 << 12, 24);
        config.require("embedding_size", d);
        config.require("attention_head_size", d / heads);
        if (d % heads != 0) {
            throw new IllegalArgumentException("hidden_size " + d + " is not a multiple of num_attention_heads " + heads);
        }
        int positions = config.integer("max_position_embeddings", 1, 1 << 24, 512);
        EncoderSpec spec = new EncoderSpec("deberta-v2", config.integer("vocab_size", 1, Integer.MAX_VALUE, 128100),
                config.integer("type_vocab_size", 0, 1 << 20, 0), d, config.integer("num_hidden_layers", 1, 1 << 12, 24), heads, d / heads,
                config.integer("intermediate_size", 1, 1 << 22, 6144), positions, (float) config.number("layer_norm_eps", 1e-7), false,
                Activations.of(config, "hidden_act", Activation.GELU_ERF), false);
        boolean relative = config.flag("relative_attention", false);
        int longest = config.integer("max_relative_positions", -1, 1 << 24, -1);
        List<String> kinds = kinds(config);
        config.require("norm_rel_ebd", "none", "layer_norm");
        return new DebertaConfig(spec, relative, Math.max(config.integer("position_buckets", -1, 1 << 20, -1), 0),
                longest < 1 ? positions : longest, config.text("norm_rel_ebd", "none").equals("layer_norm"), config.flag("share_att_key",
                false),
                kinds.contains("c2p"), kinds.contains("p2c"), config.flag("position_biased_input", true));
    }

    /** A list, or words between bars. */
    private static List<String> kinds(ConfigFields config) {
        List<String> kinds = config.isText("pos_att_type")
                ? List.of(config.text("pos_att_type").toLowerCase(Locale.ROOT).replace(" ", "").split("\\|"))
                        : config.texts("pos_att_type");
        if (kinds == null) {
            return List.of();
        }
        if (!List.of("c2p", "p2c").containsAll(kinds)) {
            throw config.error("pos_att_type", "c2p, p2c or both");
        }
        return kinds;
    }
}
