package dev.gatun.models.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Searches against transformers' own {@code generate} ({@code oracle/generate/generate.py}), token for token and score by score. */
class GenerationGoldenTest {
    private static JsonNode golden;
    private static Seq2SeqModel model;

    @BeforeAll
    static void load() throws IOException {
        golden = new ObjectMapper().readTree(Goldens.path("generate/searches.json").toFile());
        model = Seq2SeqModel.load(Goldens.path(golden.path("model").asText()));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @Test
    void everyConfigurationTokenForToken() {
        // All together, a few at a time so that waiting ones take free places, and few with two threads.
        for (int maxRows : new int[] {GenerationSession.DEFAULT_MAX_ROWS, 11, 5}) {
            try (GenerationSession session = new GenerationSession(model, maxRows == 11 ? 2 : 1, maxRows)) {
                for (JsonNode config : golden.path("configs")) {
                    JsonNode outputs = config.path("outputs");
                    int[] prompt = ints(config.path("options").path("decoder_input_ids"));
                    List<Source> sources = new ArrayList<>();
                    for (int i = 0; i < outputs.size(); i++) {
                        sources.add(new Source.Tokens(ints(golden.path("sources").get(i)), prompt.length == 0 ? null : prompt));
                    }
                    List<List<Generated>> found = session.generateFrom(sources, options(config.path("options")), TokenListener.NONE);
                    for (int i = 0; i < sources.size(); i++) {
                        compare(config.path("name").asText() + " " + i, outputs.get(i), found.get(i));
                    }
                    assertEquals(0, session.cacheBytesInUse());
                }
            }
        }
    }

    private static void compare(String name, JsonNode expected, List<Generated> found) {
        assertEquals(expected.size(), found.size(), name);
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(ints(expected.get(i).path("ids")), found.get(i).ids(), name + " " + found);
            assertEquals(expected.get(i).path("last").doubleValue(), found.get(i).tokenScores()[found.get(i).ids().length - 1], 1e-4, name);
            if (expected.get(i).has("score")) {
                double score = expected.get(i).path("score").asDouble();
                assertEquals(score, found.get(i).score(), 1e-4 * Math.max(1, Math.abs(score)), name);
            }
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
            set(options, option.getKey(), option.getValue());
        }
        return options.build();
    }

    private static void set(GenerationOptions.Builder options, String name, JsonNode value) {
        switch (name) {
            case "max_length", "decoder_input_ids" -> { }
            case "max_new_tokens" -> options.maxNewTokens(value.asInt());
            case "min_length" -> options.minLength(value.asInt());
            case "min_new_tokens" -> options.minNewTokens(value.asInt());
            case "num_beams" -> options.numBeams(value.asInt());
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
