package dev.gatun.models.family.llama;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.encode.RotarySettings;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.op.Activation;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Sizes of a Llama and its like; mirrors {@code config.json}.
 *
 * @param spec       sizes
 * @param rotary     positions
 * @param windows    of each layer how many tokens it sees, itself among them; 0 for all
 * @param headNorms  whether heads of queries and keys are normalized
 * @param qkvBias    whether query, key and value have a bias
 * @param outputBias whether attention's last product has
 * @param mlpBias    whether those of the feed-forward have
 */
record LlamaConfig(EncoderSpec spec, RotarySettings rotary, List<Integer> windows, boolean headNorms, boolean qkvBias, boolean outputBias,
        boolean mlpBias) {

    /** What transformers' classes take where a config is silent. */
    private record Defaults(int vocabSize, int dFf, int numHeads, int kvHeads, int headDim, int positions, double eps) {
        static Defaults of(String type) {
            return switch (type) {
                case "mistral" -> new Defaults(32000, 14336, 32, 8, 0, 131072, 1e-6);
                case "qwen2" -> new Defaults(151936, 22016, 32, 32, 0, 32768, 1e-6);
                case "qwen3" -> new Defaults(151936, 22016, 32, 32, 128, 32768, 1e-6);
                case "eurobert" -> new Defaults(128256, 3072, 12, 0, 0, 8192, 1e-5);
                default -> new Defaults(32000, 11008, 32, 0, 0, 2048, 1e-6);
            };
        }
    }

    /** Reads the fields; what is absent has transformers' default. */
    static LlamaConfig of(String type, ConfigFields config) {
        config.ignore("initializer_range", "use_cache", "tie_word_embeddings", "attention_dropout", "pad_token_id", "bos_token_id",
                "eos_token_id",
                "mask_token_id", "pretraining_tp", "classifier_pooling", "auto_map");
        config.require("is_encoder_decoder", false);
        Defaults defaults = Defaults.of(type);
        boolean bidirectional = type.equals("eurobert");
        int d = config.integer("hidden_size", 1, 1 << 20, bidirectional ? 768 : 4096);
        int heads = config.integer("num_attention_heads", 1, 1 << 12, defaults.numHeads);
        int headDim = config.integer("head_dim", 2, 1 << 16, defaults.headDim == 0 ? d / heads : defaults.headDim);
        int layers = config.integer("num_hidden_layers", 1, 1 << 12, bidirectional ? 12 : 32);
        int positions = config.integer("max_position_embeddings", 1, 1 << 24, defaults.positions);
        if (headDim % 2 != 0) {
            throw new IllegalArgumentException("head_dim " + headDim + " is not even");
        }
        EncoderSpec spec = new EncoderSpec(type, config.integer("vocab_size", 1, Integer.MAX_VALUE, defaults.vocabSize), 0, d, layers,
                heads,
                config.integer("num_key_value_heads", 1, 1 << 12, defaults.kvHeads == 0 ? heads : defaults.kvHeads), headDim,
                config.integer("intermediate_size", 1, 1 << 22, defaults.dFf), positions, (float) config.number("rms_norm_eps",
                defaults.eps), true,
                Activations.of(config, "hidden_act", Activation.SILU), !bidirectional && config.flag("is_causal", true));
        boolean bias = config.flag("attention_bias", false);
        List<Integer> windows = windows(type, config, layers);
        if (!spec.causal() && windows.stream().anyMatch(window -> window > 0)) {
            throw config.error("is_causal", "true where there is a sliding_window");
        }
        return new LlamaConfig(spec, RotarySettings.of(config, 10_000, headDim, positions), windows,
                type.equals("qwen3"), bias || type.equals("qwen2"), bias, config.flag("mlp_bias", false));
    }

    private static List<Integer> windows(String type, ConfigFields config, int layers) {
        if (!type.startsWith("qwen")) {
            config.require("use_sliding_window", false);
            config.require("layer_types");
            config.require("max_window_layers");
            if (!type.equals("mistral")) {
                config.require("sliding_window");
            }
            return Collections.nCopies(layers, type.equals("mistral") && config.has("sliding_window")
                    ? config.integer("sliding_window", 1, Integer.MAX_VALUE) : 0);
        }
        int window = config.flag("use_sliding_window", false) ? config.integer("sliding_window", 1, Integer.MAX_VALUE, 4096) : 0;
        config.ignore("sliding_window");
        int full = config.integer("max_window_layers", 0, 1 << 12, 28);
        List<String> types = config.texts("layer_types");
        if (types != null && (types.size() != layers || !List.of("full_attention", "sliding_attention").containsAll(types)
                || window == 0 && types.contains("sliding_attention"))) {
            throw config.error("layer_types", layers + " times full_attention, or sliding_attention where use_sliding_window is true");
        }
        return IntStream.range(0, layers).mapToObj(i -> (types == null ? i >= full : types.get(i).equals("sliding_attention")) ? window
                : 0).toList();
    }
}
