package dev.gatun.models.generate;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.generate.GenerationOptions.EarlyStopping;
import dev.gatun.models.generate.logits.BadWords;
import dev.gatun.models.generate.logits.ExponentialDecay;
import dev.gatun.models.generate.logits.ForcedEos;
import dev.gatun.models.generate.logits.RemoveInvalid;
import dev.gatun.models.generate.logits.SequenceBias;
import dev.gatun.models.generate.logits.SuppressAtBegin;
import dev.gatun.models.generate.logits.SuppressTokens;
import dev.gatun.models.generate.sample.EpsilonCutoff;
import dev.gatun.models.generate.sample.EtaCutoff;
import dev.gatun.models.generate.sample.MinP;
import dev.gatun.models.generate.sample.TopH;
import dev.gatun.models.generate.sample.TypicalP;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;

/**
 * How a folder's model wants to generate: {@code generation_config.json}, or where there is none the same fields of {@code config.json}, as
 * older folders have them. Every field of transformers' {@code GenerationConfig} is honoured, refused by name where it would change what
 * comes out, or changes nothing here. Fields that the class lacks belong to families. A folder without {@code max_length} means the
 * model's positions, not transformers' 20 tokens.
 *
 * @param file         what was read, or would have been
 * @param options      unchecked against the model, which a session does; {@link GenerationOptions#toBuilder} changes them
 * @param padTokenId   {@code pad_token_id}, or -1
 * @param bosTokenId   {@code bos_token_id}, or -1
 */
public record GenerationConfig(Path file, GenerationOptions options, int padTokenId, int bosTokenId) {
    private static final int LAST = Integer.MAX_VALUE;

    /** What transformers draws from where nobody says. */
    private static final int DEFAULT_TOP_K = 50;

    /** Fields that change how something is computed or what else is returned, not which tokens and scores come out. */
    private static final String[] WITHOUT_EFFECT = {"use_cache", "cache_implementation", "cache_config", "max_cache_len",
        "output_attentions", "output_hidden_states", "output_scores", "output_logits", "return_dict_in_generate", "num_assistant_tokens",
        "num_assistant_tokens_schedule", "assistant_confidence_threshold", "prompt_lookup_num_tokens", "max_matching_ngram_size",
        "assistant_early_exit", "assistant_lookbehind", "target_lookbehind", "compile_config", "disable_compile",
        "continuous_batching_config", "prefill_chunk_size", "transformers_version"};

    /**
     * Reads a folder.
     *
     * @throws WeightException if a field is not what it should be, is not served, or two contradict each other; it names file and field
     */
    public static GenerationConfig read(Path folder) {
        Path own = folder.resolve("generation_config.json");
        Path legacy = folder.resolve("config.json");
        if (JsonFiles.present(own)) {
            return of(ConfigFields.of(own, JsonFiles.object(own)));
        }
        return of(ConfigFields.of(legacy, JsonFiles.optional(legacy)));
    }

    /** Reads fields; see {@link #read}. */
    public static GenerationConfig of(ConfigFields fields) {
        refuse(fields);
        fields.ignore(WITHOUT_EFFECT);
        int bos = fields.integer("bos_token_id", -1, LAST, -1);
        try {
            GenerationOptions.Builder options = GenerationOptions.fileBuilder();
            lengths(fields, options);
            search(fields, options);
            sampling(fields, options);
            penalties(fields, options);
            tokens(fields, options, bos);
            return new GenerationConfig(fields.file(), options.build(), fields.integer("pad_token_id", -1, LAST, -1), bos);
        } catch (IllegalArgumentException e) {
            throw new WeightException(fields.file(), e.getMessage(), e);
        }
    }

    private static void refuse(ConfigFields fields) {
        fields.require("use_mtp", false);
        fields.require("token_healing", false);
        fields.require("guidance_scale", 1);
        fields.require("is_assistant", false);
        fields.require("low_memory", false);
        fields.require("penalty_alpha", 0);
        for (String name : List.of("watermarking_config", "assistant_ensemble_weight", "speculation_type", "dola_layers", "constraints",
                "force_words_ids")) {
            fields.require(name);
        }
    }

    private static void lengths(ConfigFields fields, GenerationOptions.Builder options) {
        int maxLength = fields.integer("max_length", 1, LAST, 0);
        int maxNewTokens = fields.integer("max_new_tokens", 1, LAST, 0);
        if (maxNewTokens > 0) {
            options.maxNewTokens(maxNewTokens);
        } else {
            options.maxLength(maxLength);
        }
        options.minLength(fields.integer("min_length", 0, LAST, 0)).minNewTokens(fields.integer("min_new_tokens", 0, LAST, 0));
        double seconds = fields.number("max_time", 0);
        options.maxTime(seconds == 0 ? null : Duration.ofNanos((long) (seconds * 1e9)));
        List<String> stops = fields.isText("stop_strings") ? List.of(fields.text("stop_strings")) : fields.texts("stop_strings");
        if (stops != null) {
            stops.forEach(options::stopString);
        }
    }

    private static void search(ConfigFields fields, GenerationOptions.Builder options) {
        options.numBeams(fields.integer("num_beams", 1, LAST, 1)).earlyStopping(earlyStopping(fields))
                .beamGroups(fields.integer("num_beam_groups", 1, LAST, 1), fields.number("diversity_penalty", 0))
                .numReturnSequences(fields.integer("num_return_sequences", 1, LAST, 1)).doSample(fields.flag("do_sample", false))
                .lengthPenalty(fields.number("length_penalty", 1)).renormalizeLogits(fields.flag("renormalize_logits", false));
    }

    /** {@code early_stopping}. */
    public static EarlyStopping earlyStopping(ConfigFields fields) {
        return fields.isText("early_stopping") ? fields.choice("early_stopping", java.util.Map.of("never", EarlyStopping.NEVER))
                : fields.flag("early_stopping", false) ? EarlyStopping.TRUE : EarlyStopping.FALSE;
    }

    private static void sampling(ConfigFields fields, GenerationOptions.Builder options) {
        options.temperature(fields.number("temperature", 1)).topK(fields.integer("top_k", 0, LAST, DEFAULT_TOP_K))
                .topP(fields.number("top_p", 1));
        if (fields.has("min_p")) {
            options.warper(new MinP(fields.number("min_p")));
        }
        if (fields.has("top_h")) {
            options.warper(new TopH(fields.number("top_h")));
        }
        if (fields.number("typical_p", 1) != 1) {
            options.warper(new TypicalP(fields.number("typical_p")));
        }
        if (fields.number("epsilon_cutoff", 0) != 0) {
            options.warper(new EpsilonCutoff(fields.number("epsilon_cutoff")));
        }
        if (fields.number("eta_cutoff", 0) != 0) {
            options.warper(new EtaCutoff(fields.number("eta_cutoff")));
        }
        fields.ignore("min_p", "top_h");
    }

    private static void penalties(ConfigFields fields, GenerationOptions.Builder options) {
        options.repetitionPenalty(fields.number("repetition_penalty", 1))
                .encoderRepetitionPenalty(fields.number("encoder_repetition_penalty", 1))
                .noRepeatNgramSize(fields.integer("no_repeat_ngram_size", 0, LAST, 0))
                .encoderNoRepeatNgramSize(fields.integer("encoder_no_repeat_ngram_size", 0, LAST, 0));
        double[] decay = fields.numbers("exponential_decay_length_penalty");
        if (decay != null) {
            if (decay.length != 2 || decay[0] != Math.rint(decay[0])) {
                throw fields.error("exponential_decay_length_penalty", "[start, factor]");
            }
            options.processor(new ExponentialDecay((int) decay[0], decay[1]));
        }
        if (fields.flag("remove_invalid_values", false)) {
            options.processor(new RemoveInvalid());
        }
    }

    private static void tokens(ConfigFields fields, GenerationOptions.Builder options, int bos) {
        List<Integer> eos = ids(fields, "eos_token_id");
        if (eos != null && eos.isEmpty()) {
            throw fields.error("eos_token_id", "a token");
        }
        options.eosTokenIds(eos == null ? List.of() : eos).decoderStartTokenId(fields.integer("decoder_start_token_id", -1, LAST, -1));
        // An old BART says it so.
        boolean forced = fields.flag("force_bos_token_to_be_generated", false);
        options.forcedBosTokenId(fields.integer("forced_bos_token_id", 0, LAST, forced ? bos : -1));
        List<Integer> forcedEos = ids(fields, "forced_eos_token_id");
        if (forcedEos != null) {
            options.processor(new ForcedEos(forcedEos));
        }
        List<Integer> suppressed = ids(fields, "suppress_tokens");
        if (suppressed != null) {
            options.processor(new SuppressTokens(suppressed));
        }
        List<Integer> atBegin = ids(fields, "begin_suppress_tokens");
        if (atBegin != null) {
            options.processor(new SuppressAtBegin(atBegin));
        }
        if (fields.has("bad_words_ids")) {
            options.processor(new BadWords(list(fields, "bad_words_ids").stream().map(word -> ids(fields, "bad_words_ids", word))
                    .toList()));
        }
        if (fields.has("sequence_bias")) {
            options.processor(new SequenceBias(list(fields, "sequence_bias").stream().map(pair -> {
                if (!pair.isArray() || pair.size() != 2 || !pair.get(1).isNumber()) {
                    throw fields.error("sequence_bias", "a list of [tokens, bias]");
                }
                return new SequenceBias.Biased(ids(fields, "sequence_bias", pair.get(0)), pair.get(1).floatValue());
            }).toList()));
        }
        fields.ignore("bad_words_ids", "sequence_bias");
    }

    /** One id or several, or null. */
    private static List<Integer> ids(ConfigFields fields, String name) {
        int[] ids = fields.isNumber(name) ? new int[] {fields.integer(name, 0, LAST)} : fields.integers(name, 0, LAST);
        return ids == null ? null : IntStream.of(ids).boxed().toList();
    }

    private static List<Integer> ids(ConfigFields fields, String name, JsonNode array) {
        List<JsonNode> nodes = StreamSupport.stream(array.spliterator(), false).toList();
        if (!array.isArray() || nodes.stream().anyMatch(id -> !id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0)) {
            throw fields.error(name, "lists of token ids");
        }
        return nodes.stream().map(JsonNode::intValue).toList();
    }

    private static List<JsonNode> list(ConfigFields fields, String name) {
        List<JsonNode> nodes = fields.nodes(name);
        if (nodes.isEmpty()) {
            throw fields.error(name, "a list with an entry");
        }
        return nodes;
    }
}
