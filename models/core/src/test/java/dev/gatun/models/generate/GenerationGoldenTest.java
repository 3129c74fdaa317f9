package dev.gatun.models.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.generate.GenerationOptions.EarlyStopping;
import dev.gatun.models.generate.logits.BadWords;
import dev.gatun.models.generate.logits.ExponentialDecay;
import dev.gatun.models.generate.logits.PrefixConstraint;
import dev.gatun.models.generate.logits.SequenceBias;
import dev.gatun.models.generate.logits.SuppressAtBegin;
import dev.gatun.models.generate.logits.SuppressTokens;
import dev.gatun.models.generate.logits.TokenContext;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Searches against transformers' own {@code generate} ({@code oracle/generate/generate.py}), token for token and score by score. */
class GenerationGoldenTest {
    private static Seq2SeqModel model;

    /** Rows of ids, of any lengths. */
    private record Rows(byte[] ids, byte[] lengths) {
        static Rows of(SafetensorsFile file, String prefix) {
            return new Rows(file.tensor(prefix + "ids").segment().toArray(ValueLayout.JAVA_BYTE),
                    file.tensor(prefix + "lengths").segment().toArray(ValueLayout.JAVA_BYTE));
        }

        List<int[]> list() {
            List<int[]> list = new ArrayList<>();
            int at = 0;
            for (byte length : lengths) {
                int from = at;
                list.add(IntStream.range(0, length).map(i -> ids[from + i]).toArray());
                at += length;
            }
            return list;
        }
    }

    @BeforeAll
    static void load() {
        model = Seq2SeqModel.load(Goldens.path("transformer/token/tied-sinusoidal-post-relu"));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"greedy", "beams", "groups"})
    void everyConfigurationTokenForToken(String kind) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile file = Goldens.open(arena, "generate/searches-" + kind + ".safetensors");
            List<int[]> sources = Rows.of(file, "").list();
            assertEquals(200, sources.size());
            for (Map.Entry<String, String> config : file.metadata().entrySet()) {
                JsonNode options = new ObjectMapper().readTree(config.getValue());
                List<int[]> ids = Rows.of(file, config.getKey() + ".").list();
                float[] scores = file.tensor(config.getKey() + ".scores").toFloats();
                // All together, a few at a time so that waiting ones take free places, and few with two threads.
                compare(config.getKey(), generate(options, sources, GenerationSession.DEFAULT_MAX_ROWS, 1), ids, scores);
                compare(config.getKey(), generate(options, sources.subList(0, 40), 11, 2), ids, scores);
                compare(config.getKey(), generate(options, sources.subList(0, 40), 6, 1), ids, scores);
            }
        }
    }

    private static List<List<Generated>> generate(JsonNode json, List<int[]> sources, int maxRows, int threads) {
        int[] prompt = ints(json.path("decoder_input_ids"));
        try (GenerationSession session = new GenerationSession(model, threads, maxRows)) {
            List<List<Generated>> found = session.generateFrom(sources.stream().map(source -> new Source.Tokens(source,
                    prompt.length == 0 ? null : prompt)).toList(), options(json), TokenListener.NONE);
            assertEquals(0, session.cacheBytesInUse());
            return found;
        }
    }

    private static void compare(String name, List<List<Generated>> found, List<int[]> ids, float[] scores) {
        int each = found.getFirst().size();
        assertTrue(each >= 1 && each * found.size() <= ids.size(), name);
        for (int i = 0; i < each * found.size(); i++) {
            Generated one = found.get(i / each).get(i % each);
            String where = name + ", sequence " + i % each + " of source " + i / each + ": " + one;
            assertArrayEquals(ids.get(i), one.ids(), where);
            double score = name.startsWith("greedy") ? one.tokenScores()[one.ids().length - 1] : one.score();
            assertEquals(scores[i], score, 1e-4 * Math.max(1, Math.abs(score)), where);
        }
    }

    private static int[] ints(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
    }

    private static List<Integer> list(JsonNode array) {
        return IntStream.of(ints(array)).boxed().toList();
    }

    private static GenerationOptions options(JsonNode json) {
        GenerationOptions.Builder options = GenerationOptions.builder();
        if (!json.has("max_new_tokens")) {
            options.maxLength(json.path("max_length").asInt(24));
        }
        for (Map.Entry<String, JsonNode> option : json.properties()) {
            set(options, option.getKey(), option.getValue(), json);
        }
        return options.build();
    }

    private static void set(GenerationOptions.Builder options, String name, JsonNode value, JsonNode json) {
        switch (name) {
            case "max_length", "decoder_input_ids", "diversity_penalty" -> { }
            case "max_new_tokens" -> options.maxNewTokens(value.asInt());
            case "min_length" -> options.minLength(value.asInt());
            case "min_new_tokens" -> options.minNewTokens(value.asInt());
            case "num_beams" -> options.numBeams(value.asInt());
            case "num_beam_groups" -> options.beamGroups(value.asInt(), json.path("diversity_penalty").asDouble());
            case "num_return_sequences" -> options.numReturnSequences(value.asInt());
            case "length_penalty" -> options.lengthPenalty(value.asDouble());
            case "early_stopping" -> options.earlyStopping(value.isTextual() ? EarlyStopping.NEVER : EarlyStopping.TRUE);
            case "repetition_penalty" -> options.repetitionPenalty(value.asDouble());
            case "encoder_repetition_penalty" -> options.encoderRepetitionPenalty(value.asDouble());
            case "no_repeat_ngram_size" -> options.noRepeatNgramSize(value.asInt());
            case "encoder_no_repeat_ngram_size" -> options.encoderNoRepeatNgramSize(value.asInt());
            case "forced_bos_token_id" -> options.forcedBosTokenId(value.asInt());
            case "forced_eos_token_id" -> options.forcedEosTokenId(value.asInt());
            case "eos_token_id" -> options.eosTokenIds(list(value));
            case "renormalize_logits" -> options.renormalizeLogits(value.asBoolean());
            case "suppress_tokens" -> options.processor(new SuppressTokens(list(value)));
            case "begin_suppress_tokens" -> options.processor(new SuppressAtBegin(list(value)));
            case "exponential_decay_length_penalty" ->
                    options.processor(new ExponentialDecay(value.get(0).asInt(), value.get(1).asDouble()));
            case "bad_words_ids" -> options.processor(new BadWords(
                    StreamSupport.stream(value.spliterator(), false).map(GenerationGoldenTest::list).toList()));
            case "sequence_bias" -> options.processor(new SequenceBias(StreamSupport.stream(value.spliterator(), false)
                    .map(pair -> new SequenceBias.Biased(list(pair.get(0)), pair.get(1).floatValue())).toList()));
            case "prefix" -> options.processor(new PrefixConstraint(GenerationGoldenTest::prefix));
            default -> throw new IllegalArgumentException(name);
        }
    }

    /** The function of the script. */
    private static int[] prefix(TokenContext context) {
        int last = context.token(context.length() - 1);
        return context.length() > 10 ? new int[] {2, 6, 7}
                : IntStream.range(0, 37).filter(token -> (token - last) % 3 != 0 || token == 2).toArray();
    }
}
