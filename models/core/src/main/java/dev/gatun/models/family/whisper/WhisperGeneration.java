package dev.gatun.models.family.whisper;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.generate.GenerationConfig;
import dev.gatun.models.generate.GenerationOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * How a Whisper model writes; mirrors {@code generation_config.json}.
 *
 * @param start         {@code decoder_start_token_id}
 * @param eos           {@code eos_token_id}: text tokens are below the first of them
 * @param noTimestamps  {@code no_timestamps_token_id}, after which the timestamps come; -1 if there is none
 * @param previous      {@code prev_sot_token_id}, before the text of the windows before; -1 if there is none
 * @param suppress      {@code suppress_tokens}
 * @param beginSuppress {@code begin_suppress_tokens}
 * @param forced        {@code forced_decoder_ids}: what follows the start where neither language nor task is asked for; -1 for a language
 *                      that is to be detected
 * @param languages     {@code lang_to_id}, by code as {@code de}; empty for a model of English
 * @param tasks         {@code task_to_id}: transcribe and translate
 * @param multilingual  {@code is_multilingual}
 * @param maxInitial    {@code max_initial_timestamp_index}, or -1
 * @param maxLength     {@code max_length}: tokens of a window's text and of what stands before it, the latter counted again for each window
 * @param maxNewTokens  {@code max_new_tokens}, or 0
 * @param alignment     {@code alignment_heads}, pairs of layer and head; or null
 * @param topK          {@code top_k}: how many tokens may be drawn where one is drawn; 0 for all
 * @param beams         {@code num_beams}
 * @param lengthPenalty {@code length_penalty} of beams
 * @param early         {@code early_stopping} of beams
 * @param language      {@code language} that is meant where nobody asks for another; or null
 * @param task          {@code task} likewise; or null
 */
public record WhisperGeneration(int start, int[] eos, int noTimestamps, int previous, int[] suppress, int[] beginSuppress, int[] forced,
        Map<String, Integer> languages, Map<String, Integer> tasks, boolean multilingual, int maxInitial, int maxLength, int maxNewTokens,
        int[][] alignment, int topK, int beams, double lengthPenalty, GenerationOptions.EarlyStopping early, String language, String task) {
    /** Values at which these fields change nothing; others are refused. */
    private static final Map<String, Object[]> NEUTRAL = Map.ofEntries(Map.entry("num_beam_groups", new Object[] {1}),
            Map.entry("repetition_penalty", new Object[] {1}),
            Map.entry("no_repeat_ngram_size", new Object[] {0}), Map.entry("encoder_no_repeat_ngram_size", new Object[] {0}),
            Map.entry("encoder_repetition_penalty", new Object[] {1}), Map.entry("num_return_sequences", new Object[] {1}),
            Map.entry("min_length", new Object[] {0}), Map.entry("min_new_tokens", new Object[] {0}),
            Map.entry("diversity_penalty", new Object[] {0}), Map.entry("remove_invalid_values", new Object[] {false}),
            Map.entry("renormalize_logits", new Object[] {false}), Map.entry("return_dict_in_generate", new Object[] {false, true}),
            Map.entry("penalty_alpha", new Object[] {0}), Map.entry("guidance_scale", new Object[] {1}),
            Map.entry("is_encoder_decoder", new Object[] {true}), Map.entry("condition_on_prev_tokens", new Object[] {false}),
            Map.entry("forced_bos_token_id", new Object[0]), Map.entry("forced_eos_token_id", new Object[0]),
            Map.entry("bad_words_ids", new Object[0]), Map.entry("sequence_bias", new Object[0]),
            Map.entry("exponential_decay_length_penalty", new Object[0]), Map.entry("min_p", new Object[0]),
            Map.entry("compression_ratio_threshold", new Object[0]), Map.entry("logprob_threshold", new Object[0]),
            Map.entry("no_speech_threshold", new Object[0]), Map.entry("max_time", new Object[0]), Map.entry("top_p", new Object[] {1}),
            Map.entry("typical_p", new Object[] {1}), Map.entry("epsilon_cutoff", new Object[] {0}),
            Map.entry("eta_cutoff", new Object[] {0}),
            Map.entry("prompt_lookup_num_tokens", new Object[0]), Map.entry("force_unique_generate_call", new Object[] {false}),
            Map.entry("_detect_timestamp_from_logprob", new Object[] {true}));
    /** What transformers' generate for Whisper sets anew for each window, and its bookkeeping. */
    private static final Set<String> WITHOUT_EFFECT = Set.of("_from_model_config", "transformers_version", "bos_token_id", "pad_token_id",
            "do_sample", "temperature", "output_attentions", "output_hidden_states", "output_scores",
            "output_logits", "use_cache", "return_timestamps",
            "cache_implementation", "prompt_condition_type", "disable_compile", "num_assistant_tokens",
            "num_assistant_tokens_schedule");

    /**
     * Reads the fields.
     *
     * @param config of generation_config.json, or of config.json where there is none
     * @param model  of config.json
     * @throws WeightException if a field has a value that is not served, is not known, or contradicts the model
     */
    static WhisperGeneration of(ConfigFields config, ConfigFields model, WhisperConfig sizes) {
        int last = sizes.vocabSize() - 1;
        boolean own = config != model;
        int[] forced = forced(config, last);
        WhisperGeneration generation = new WhisperGeneration(config.integer("decoder_start_token_id", 0, last, model.integer(
                "decoder_start_token_id", 0, last, 50257)), eos(config, model, last), config.integer("no_timestamps_token_id", 0, last, -1),
                config.integer("prev_sot_token_id", 0, last, -1), ids(config, "suppress_tokens", last), beginning(config, own, last),
                forced != null || !own ? forced : forced(model, last), map(config, "lang_to_id", last), map(config, "task_to_id", last),
                config.flag("is_multilingual", config.has("lang_to_id")), config.integer("max_initial_timestamp_index", 0, 1 << 20, -1),
                config.integer("max_length", 1, 1 << 24, sizes.targetLen()), config.integer("max_new_tokens", 1, 1 << 24, 0),
                alignment(config, sizes), config.integer("top_k", 0, 1 << 24, 50),
                own ? config.integer("num_beams", 1, WhisperOptions.MAX_BEAMS, 1) : 1, own ? config.number("length_penalty", 1) : 1,
                own ? GenerationConfig.earlyStopping(config) : GenerationOptions.EarlyStopping.FALSE,
                config.has("language") ? config.text("language") : null,
                config.has("task") ? config.choice("task", Map.of("transcribe", "transcribe", "translate", "translate")) : null);
        if (generation.noTimestamps == last) {
            throw config.error("no_timestamps_token_id", "below " + last + ", because timestamps follow it");
        }
        if (own) {
            NEUTRAL.forEach(config::require);
            WITHOUT_EFFECT.forEach(config::ignore);
            List<String> unread = config.unread();
            if (!unread.isEmpty()) {
                throw config.error(unread.getFirst(), "no such field");
            }
        }
        return generation;
    }

    private static int[] eos(ConfigFields config, ConfigFields model, int last) {
        ConfigFields from = config.has("eos_token_id") ? config : model;
        int[] eos = from.has("eos_token_id") && !from.isNumber("eos_token_id") ? from.integers("eos_token_id", 0, last)
                : new int[] {from.integer("eos_token_id", 0, last, 50256)};
        if (eos.length == 0) {
            throw from.error("eos_token_id", "a token");
        }
        return eos;
    }

    private static int[] ids(ConfigFields config, String name, int last) {
        int[] ids = config.integers(name, -1, last);
        return ids == null ? new int[0] : Arrays.stream(ids).filter(id -> id >= 0).toArray();
    }

    private static int[] beginning(ConfigFields config, boolean own, int last) {
        // What config.json leaves out has its class's default; in generation_config.json there is none.
        return own || config.has("begin_suppress_tokens") ? ids(config, "begin_suppress_tokens", last)
                : Arrays.stream(new int[] {220, 50256}).filter(id -> id <= last).toArray();
    }

    /** Pairs of a position from 1 on and a token, which may be null. */
    private static int[] forced(ConfigFields config, int last) {
        List<ConfigFields.Pair> pairs = config.pairs("forced_decoder_ids", 1, last);
        if (pairs == null) {
            return null;
        }
        int[] tokens = new int[pairs.size()];
        for (int i = 0; i < tokens.length; i++) {
            if (pairs.get(i).first() != i + 1 || pairs.get(i).second() < 0 && i > 0) {
                throw config.error("forced_decoder_ids", "pairs of 1, 2, ... and a token");
            }
            tokens[i] = pairs.get(i).second();
        }
        return tokens;
    }

    private static Map<String, Integer> map(ConfigFields config, String name, int last) {
        Map<String, Integer> map = new TreeMap<>();
        ConfigFields fields = config.object(name);
        for (String key : fields.names()) {
            map.put(key.replaceAll("^<\\|(.*)\\|>$", "$1"), fields.integer(key, 0, last));
        }
        return map;
    }

    private static int[][] alignment(ConfigFields config, WhisperConfig sizes) {
        List<ConfigFields.Pair> pairs = config.pairs("alignment_heads", 0, 1 << 16);
        if (pairs == null || pairs.isEmpty()) {
            return null;
        }
        List<int[]> heads = new ArrayList<>();
        for (ConfigFields.Pair pair : pairs) {
            if (pair.first() >= sizes.decoder().layers() || pair.second() < 0 || pair.second() >= sizes.decoder().heads()) {
                throw config.error("alignment_heads", "pairs of a layer below " + sizes.decoder().layers() + " and a head below "
                        + sizes.decoder().heads());
            }
            heads.add(new int[] {pair.first(), pair.second()});
        }
        return heads.toArray(int[][]::new);
    }

    /** The first timestamp, 0.00 s; above the vocabulary if there is none. */
    int timestampBegin(int vocabSize) {
        return noTimestamps < 0 ? vocabSize + 1 : noTimestamps + 1;
    }

    /** Whether a token ends a text. */
    boolean ends(int token) {
        return Arrays.stream(eos).anyMatch(e -> e == token);
    }
}
