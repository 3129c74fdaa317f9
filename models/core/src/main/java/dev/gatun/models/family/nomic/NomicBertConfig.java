package dev.gatun.models.family.nomic;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.encode.RotarySettings;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.op.Activation;
import java.util.Map;

/**
 * Sizes of a NomicBERT; mirrors {@code config.json} as transformers writes it, and as its authors did, with GPT-2's names.
 *
 * @param spec   sizes
 * @param rotary positions
 */
record NomicBertConfig(EncoderSpec spec, RotarySettings rotary) {

    /** Reads the fields; what is absent has transformers' default. */
    static NomicBertConfig of(ConfigFields config) {
        config.ignore("hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range", "pad_token_id", "classifier_dropout",
                "bos_token_id", "eos_token_id", "tie_word_embeddings", "use_cache");
        config.require("is_encoder_decoder", false);
        return config.has("n_embd") ? original(config) : of(config, "hidden_size", "num_attention_heads", "num_hidden_layers",
                "intermediate_size", "max_position_embeddings", "layer_norm_eps", Activations.of(config, "hidden_act", Activation.SILU));
    }

    private static NomicBertConfig original(ConfigFields config) {
        config.ignore("attn_pdrop", "embd_pdrop", "resid_pdrop", "dense_seq_output", "fused_bias_fc", "fused_dropout_add_ln",
                "last_layer_subset",
                "mlp_fc1_checkpoint_lvl", "max_trained_positions", "pad_vocab_size_multiple", "reorder_and_upcast_attn",
                "summary_activation",
                "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj", "use_flash_attn", "use_xentropy",
                "expand_up", "auto_map", "output_mlm_logits");
        for (String absent : new String[] {"causal", "mlp_fc1_bias", "mlp_fc2_bias", "parallel_block", "parallel_block_tied_norm",
                "prenorm",
            "qkv_proj_bias", "rotary_emb_interleaved", "use_rms_norm", "scale_attn_by_inverse_layer_idx"}) {
            config.require(absent, false);
        }
        config.require("scale_attn_weights", true);
        config.require("rotary_emb_fraction", 1.0);
        config.require("rotary_scaling_factor");
        config.require("rotary_emb_scale_base");
        return of(config, "n_embd", "n_head", "n_layer", "n_inner", "n_positions", "layer_norm_epsilon",
                config.choice("activation_function", Activation.SILU, Map.of("swiglu", Activation.SILU)));
    }

    private static NomicBertConfig of(ConfigFields config, String hidden, String heads, String layers, String inner, String positions,
            String epsilon, Activation activation) {
        int d = config.integer(hidden, 1, 1 << 20, 768);
        int numHeads = config.integer(heads, 1, 1 << 12, 12);
        int maxLength = config.integer(positions, 1, 1 << 24, 2048);
        int headDim = config.integer("head_dim", 2, 1 << 16, d / numHeads);
        if (headDim % 2 != 0) {
            throw new IllegalArgumentException("head_dim " + headDim + " is not even");
        }
        RotarySettings rotary = RotarySettings.of(config, config.number("rotary_emb_base", 1000), headDim, maxLength);
        return new NomicBertConfig(new EncoderSpec("nomic_bert", config.integer("vocab_size", 1, Integer.MAX_VALUE, 30528),
                config.integer("type_vocab_size", 0, 1 << 20, 2), d, config.integer(layers, 1, 1 << 12, 12), numHeads, headDim,
                config.integer(inner, 1, 1 << 22, 3072), maxLength, (float) config.number(epsilon, 1e-12), false, activation, false),
                rotary);
    }
}
