package dev.gatun.models.generate;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.generate.logits.BadWords;
import dev.gatun.models.generate.logits.ExponentialDecay;
import dev.gatun.models.generate.logits.ForcedBos;
import dev.gatun.models.generate.logits.ForcedEos;
import dev.gatun.models.generate.logits.LogitsProcessor;
import dev.gatun.models.generate.logits.MinLength;
import dev.gatun.models.generate.logits.MinNewTokens;
import dev.gatun.models.generate.logits.NoRepeatNgram;
import dev.gatun.models.generate.logits.RepetitionPenalty;
import dev.gatun.models.generate.logits.SequenceBias;
import dev.gatun.models.generate.logits.SuppressTokens;
import dev.gatun.models.generate.sample.EpsilonCutoff;
import dev.gatun.models.generate.sample.EtaCutoff;
import dev.gatun.models.generate.sample.MinP;
import dev.gatun.models.generate.sample.Temperature;
import dev.gatun.models.generate.sample.TopH;
import dev.gatun.models.generate.sample.TopK;
import dev.gatun.models.generate.sample.TopP;
import dev.gatun.models.generate.sample.TypicalP;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every field of transformers' GenerationConfig, by the list that {@code oracle/generate/generate.py} wrote. */
class GenerationConfigTest {
    @TempDir
    Path folder;

    /** A value of each field that changes what comes out. */
    private static final Map<String, String> VALUES = Map.ofEntries(
            Map.entry("max_length", "9"), Map.entry("max_new_tokens", "9"), Map.entry("min_length", "3"), Map.entry("min_new_tokens", "3"),
            Map.entry("early_stopping", "\"never\""), Map.entry("max_time", "1.5"), Map.entry("stop_strings", "[\"a\"]"),
            Map.entry("do_sample", "true"), Map.entry("num_beams", "3"), Map.entry("temperature", "0.7"), Map.entry("top_k", "7"),
            Map.entry("top_p", "0.9"), Map.entry("min_p", "0.1"), Map.entry("top_h", "0.4"), Map.entry("typical_p", "0.9"),
            Map.entry("epsilon_cutoff", "0.01"), Map.entry("eta_cutoff", "0.02"), Map.entry("repetition_penalty", "1.2"),
            Map.entry("encoder_repetition_penalty", "1.2"), Map.entry("length_penalty", "2.0"), Map.entry("no_repeat_ngram_size", "3"),
            Map.entry("bad_words_ids", "[[3]]"), Map.entry("renormalize_logits", "true"), Map.entry("forced_bos_token_id", "4"),
            Map.entry("forced_eos_token_id", "[2, 3]"), Map.entry("remove_invalid_values", "true"),
            Map.entry("exponential_decay_length_penalty", "[5, 1.1]"), Map.entry("suppress_tokens", "[5]"),
            Map.entry("begin_suppress_tokens", "[5]"), Map.entry("sequence_bias", "[[[3, 4], -2.0]]"),
            Map.entry("pad_token_id", "7"), Map.entry("bos_token_id", "7"), Map.entry("eos_token_id", "[2, 7]"),
            Map.entry("encoder_no_repeat_ngram_size", "3"), Map.entry("decoder_start_token_id", "7"),
            // More sequences than beams are refused, as in transformers.
            Map.entry("num_return_sequences", "2"));
    private static final Map<String, String> REFUSED = Map.ofEntries(
            Map.entry("use_mtp", "true"), Map.entry("token_healing", "true"), Map.entry("guidance_scale", "1.5"),
            Map.entry("watermarking_config", "{}"), Map.entry("is_assistant", "true"), Map.entry("assistant_ensemble_weight", "0.5"),
            Map.entry("speculation_type", "\"dflash\""), Map.entry("low_memory", "true"), Map.entry("penalty_alpha", "0.6"),
            Map.entry("dola_layers", "\"low\""),
            Map.entry("constraints", "[]"), Map.entry("force_words_ids", "[[3]]"));
    private static final List<String> WITHOUT_EFFECT = List.of("use_cache", "cache_implementation", "cache_config", "max_cache_len",
            "output_attentions", "output_hidden_states", "output_scores", "output_logits", "return_dict_in_generate",
            "num_assistant_tokens", "num_assistant_tokens_schedule", "assistant_confidence_threshold", "prompt_lookup_num_tokens",
            "max_matching_ngram_size", "assistant_early_exit", "assistant_lookbehind", "target_lookbehind", "compile_config",
            "disable_compile", "continuous_batching_config", "prefill_chunk_size", "transformers_version");

    private GenerationConfig read(String json) {
        try {
            Files.writeString(folder.resolve("generation_config.json"), json);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return GenerationConfig.read(folder);
    }

    private static List<Object> parts(GenerationConfig config) {
        return List.of(config.options(), config.padTokenId(), config.bosTokenId());
    }

    @Test
    void everyFieldOfTheClassIsHonouredRefusedOrWithoutEffect() throws IOException {
        List<Object> plain = parts(read("{}"));
        JsonNode fields = new ObjectMapper().readTree(Goldens.path("generate/fields.json").toFile());
        List<String> unknown = new ArrayList<>();
        for (JsonNode field : fields) {
            String name = field.textValue();
            if (name.equals("num_beam_groups") || name.equals("diversity_penalty")) {
                GenerationOptions groups = read("{\"num_beams\": 4, \"num_beam_groups\": 2, \"diversity_penalty\": 0.5}").options();
                assertEquals(List.of(2, 0.5), List.of(groups.numBeamGroups(), groups.diversityPenalty()));
            } else if (name.equals("num_return_sequences")) {
                assertEquals(2, read("{\"num_beams\": 2, \"num_return_sequences\": 2}").options().numReturnSequences());
                refused("num_return_sequences 2 is more than num_beams 1", "{\"num_return_sequences\": 2}");
            } else if (VALUES.containsKey(name)) {
                assertTrue(!plain.equals(parts(read("{\"" + name + "\": " + VALUES.get(name) + "}"))), name + " changes nothing");
            } else if (REFUSED.containsKey(name)) {
                refused(name + " is ", "{\"" + name + "\": " + REFUSED.get(name) + "}");
            } else if (!WITHOUT_EFFECT.contains(name)) {
                unknown.add(name);
            }
            assertEquals(plain, parts(read("{\"" + name + "\": null}")), name);
        }
        assertEquals(List.of(), unknown);
        assertEquals(VALUES.size() + REFUSED.size() + WITHOUT_EFFECT.size() + 2, fields.size());
    }

    private void refused(String message, String json) {
        WeightException e = assertThrows(WeightException.class, () -> read(json));
        assertTrue(e.getMessage().contains(message) && e.getMessage().contains("generation_config.json"), e.getMessage());
    }

    @Test
    void valuesArriveInTheOrderOfTransformers() {
        GenerationOptions options = read("""
                {"suppress_tokens": [5, 6], "min_length": 3, "forced_bos_token_id": 4, "bad_words_ids": [[3], [4, 5]],
                 "sequence_bias": [[[3, 4], -2.5]], "repetition_penalty": 1.2, "no_repeat_ngram_size": 3, "max_length": 30,
                 "exponential_decay_length_penalty": [5, 1.1], "forced_eos_token_id": 2, "do_sample": true, "eta_cutoff": 0.02,
                 "epsilon_cutoff": 0.01, "typical_p": 0.9, "min_p": 0.1, "top_p": 0.8, "top_k": 7, "top_h": 0.4, "temperature": 0.7,
                 "eos_token_id": [2, 9], "max_time": 1.5, "max_new_tokens": 20, "decoder_start_token_id": 1}""").options();
        List<LogitsProcessor> processors = List.of(new SequenceBias(List.of(new SequenceBias.Biased(List.of(3, 4), -2.5f))),
                new RepetitionPenalty(1.2), new NoRepeatNgram(3), new BadWords(List.of(List.of(3), List.of(4, 5))), new MinLength(3),
                new ForcedBos(4), new ForcedEos(List.of(2)), new ExponentialDecay(5, 1.1), new SuppressTokens(List.of(5, 6)));
        assertEquals(processors, options.processors());
        assertEquals(List.of(new Temperature(0.7), new TopH(0.4), new TopK(7), new TopP(0.8), new MinP(0.1), new TypicalP(0.9),
                new EpsilonCutoff(0.01), new EtaCutoff(0.02)), options.warpers());
        assertEquals(List.of(2, 9), options.eosTokenIds());
        assertEquals(Duration.ofMillis(1500), options.maxTime());
        assertEquals(20, options.maxNewTokens(), "max_new_tokens goes before max_length");
        assertEquals(0, options.maxLength());
        assertEquals(1, options.decoderStartTokenId());
        assertEquals(List.of(new MinNewTokens(5)),
                read("{\"min_length\": 9, \"min_new_tokens\": 5, \"eos_token_id\": 3}").options().processors());
    }

    @Test
    void whatAFileSaysOfAnotherSearchWaitsForIt() {
        GenerationOptions options = read("{\"temperature\": 0.5, \"early_stopping\": true}").options();
        assertEquals(List.of(new Temperature(0.5), new TopK(50)), options.toBuilder().doSample(true).build().warpers());
        assertEquals(GenerationOptions.EarlyStopping.TRUE, options.toBuilder().numBeams(4).build().earlyStopping());
        assertEquals(GenerationOptions.EarlyStopping.TRUE, options.toBuilder().build().earlyStopping());
    }

    @Test
    void withoutTheFileTheFieldsOfTheModelsConfigCount() throws IOException {
        Files.writeString(folder.resolve("config.json"), """
                {"model_type": "bart", "d_model": 16, "num_beams": 4, "no_repeat_ngram_size": 3, "bos_token_id": 1, "eos_token_id": 2,
                 "force_bos_token_to_be_generated": true}""");
        GenerationOptions options = GenerationConfig.read(folder).options();
        assertEquals(4, options.numBeams());
        assertEquals(List.of(new NoRepeatNgram(3), new ForcedBos(1)), options.processors());
        assertEquals(1, read("{}").options().numBeams(), "with the file they do not");
    }

    @Test
    void wrongValuesAndConflictsAreRefusedByName() {
        refused("max_new_tokens is 0, expected an integer of 1 or more", "{\"max_new_tokens\": 0}");
        refused("min_length 9 is more than max_length 5", "{\"min_length\": 9, \"max_length\": 5}");
        refused("early_stopping is \"soon\", expected never", "{\"early_stopping\": \"soon\"}");
        refused("temperature must be positive, not 0.0", "{\"do_sample\": true, \"temperature\": 0}");
        refused("top_p must be 0 to 1", "{\"top_p\": 1.5}");
        refused("typical_p must be above 0", "{\"typical_p\": -1}");
        refused("eos_token_id is [-1]", "{\"eos_token_id\": [-1]}");
        refused("bad_words_ids is [3], expected lists of token ids", "{\"bad_words_ids\": [3]}");
        refused("bad_words_ids is [], expected a list with an entry", "{\"bad_words_ids\": []}");
        refused("sequence_bias is [[[3]]], expected a list of [tokens, bias]", "{\"sequence_bias\": [[[3]]]}");
        refused("exponential_decay_length_penalty is [1], expected [start, factor]", "{\"exponential_decay_length_penalty\": [1]}");
        refused("forced_bos_token_id 5 is in suppress_tokens", "{\"forced_bos_token_id\": 5, \"suppress_tokens\": [5]}");
        refused("repetition_penalty must be positive", "{\"repetition_penalty\": -1}");
        refused("max_time must be positive and at most 100 years", "{\"max_time\": -1}");
        refused("is not valid JSON", "{");
    }

    /** Where transformers raises, an error; where it warns and goes on, what it does, or an error where a field could not hold. */
    @Test
    void conflictsEndAsInTransformersOrInAnError() {
        Map<String, Map<String, Object>> served = Map.of(
                "{\"do_sample\": false, \"temperature\": 0.0, \"top_p\": 0.5}", Map.of("doSample", false),
                "{\"do_sample\": true, \"top_p\": 0.0}", Map.of("doSample", true),
                "{\"early_stopping\": true, \"length_penalty\": 2.0}", Map.of("numBeams", 1),
                "{\"max_new_tokens\": 5, \"max_length\": 3}", Map.of("maxNewTokens", 5, "maxLength", 0),
                "{\"min_length\": 30, \"min_new_tokens\": 4, \"max_new_tokens\": 5}", Map.of("processors", List.of(new MinNewTokens(4))),
                "{\"eos_token_id\": [2, 2, 7]}", Map.of("eosTokenIds", List.of(2, 7)),
                "{\"diversity_penalty\": 0.5}", Map.of("numBeamGroups", 1),
                "{\"num_beams\": 6, \"num_beam_groups\": 3, \"diversity_penalty\": 0.5}",
                Map.of("numBeamGroups", 3, "diversityPenalty", 0.5));
        served.forEach((json, expected) -> {
            GenerationOptions options = read(json).options();
            for (RecordComponent part : GenerationOptions.class.getRecordComponents()) {
                if (expected.containsKey(part.getName())) {
                    assertEquals(expected.get(part.getName()), assertDoesNotThrow(() -> part.getAccessor().invoke(options)), json);
                }
            }
        });
        Map<String, String> refused = Map.ofEntries(
                Map.entry("{\"do_sample\": true, \"temperature\": 0.0}", "temperature must be positive"),
                Map.entry("{\"num_return_sequences\": 4, \"num_beams\": 3}", "num_return_sequences 4 is more than num_beams 3"),
                Map.entry("{\"num_return_sequences\": 4, \"num_beams\": 3, \"do_sample\": true}", "num_return_sequences 4 is more than"),
                Map.entry("{\"min_length\": 30, \"max_length\": 8}", "min_length 30 is more than max_length 8"),
                Map.entry("{\"min_new_tokens\": 30, \"max_new_tokens\": 8}", "min_new_tokens 30 is more than max_new_tokens 8"),
                Map.entry("{\"eos_token_id\": []}", "eos_token_id is []"), Map.entry("{\"max_length\": 0}", "max_length is 0"),
                Map.entry("{\"top_k\": -1, \"do_sample\": true}", "top_k is -1"), Map.entry("{\"num_beams\": 0}", "num_beams is 0"),
                Map.entry("{\"min_p\": 2.0}", "min_p must be"), Map.entry("{\"repetition_penalty\": 0.0}", "repetition_penalty must be"),
                Map.entry("{\"typical_p\": 2.0}", "typical_p must be"),
                Map.entry("{\"no_repeat_ngram_size\": -1}", "no_repeat_ngram_size is"),
                Map.entry("{\"num_beams\": 4, \"num_beam_groups\": 3, \"diversity_penalty\": 1.0}", "3 does not divide num_beams 4"),
                Map.entry("{\"num_beams\": 4, \"num_beam_groups\": 2}", "needs a diversity_penalty above 0"),
                Map.entry("{\"num_beams\": 4, \"num_beam_groups\": 2, \"diversity_penalty\": 1.0, \"do_sample\": true}",
                        "num_beam_groups 2 and do_sample exclude each other"),
                Map.entry("{\"num_beams\": 2, \"diversity_penalty\": -1.0}", "diversity_penalty must be 0 or more"));
        refused.forEach((json, message) -> refused(message, json));
        GenerationOptions.Builder groups = GenerationOptions.builder().numBeams(4);
        assertThrows(IllegalArgumentException.class, () -> groups.beamGroups(1, 0.5).build());
        assertThrows(IllegalArgumentException.class, () -> groups.beamGroups(1, 0).guess(new Guess.Lookup(3, 2)).build());
        GenerationOptions.Builder cold = read("{\"temperature\": 0.0}").options().toBuilder();
        assertThrows(IllegalArgumentException.class, () -> cold.doSample(true).build());
    }
}
