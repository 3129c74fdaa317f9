package dev.gatun.models.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.generate.GenerationOptions.EarlyStopping;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Greedy and beam search against an independent implementation in PyTorch, and the distributions of sampling. */
class GenerationGoldenTest {
    private static JsonNode golden;
    private static Seq2SeqModel model;

    @BeforeAll
    static void load() throws IOException {
        golden = new ObjectMapper().readTree(Goldens.path("transformer/generation/generate.json").toFile());
        model = Seq2SeqModel.load(Goldens.path("transformer/" + golden.path("model").asText()));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @Test
    void everyConfigurationTokenForToken() {
        List<int[]> sources = new ArrayList<>();
        golden.path("sources").forEach(source -> sources.add(ids(source)));
        assertEquals(200, sources.size());
        // All together, a few at a time so that waiting ones take free places, and one by one.
        for (int maxRows : new int[] {GenerationSession.DEFAULT_MAX_ROWS, 11, 5}) {
            try (GenerationSession session = new GenerationSession(model, maxRows == 11 ? 2 : 1, maxRows)) {
                for (JsonNode config : golden.path("configs")) {
                    List<List<Generated>> found = session.generate(sources, options(config.path("options")));
                    for (int i = 0; i < sources.size(); i++) {
                        compare(config.path("name").asText() + " " + i, config.path("outputs").get(i), found.get(i));
                    }
                    assertEquals(0, session.cacheBytesInUse());
                }
            }
        }
    }

    private static void compare(String name, JsonNode expected, List<Generated> found) {
        assertEquals(expected.size(), found.size(), name);
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(ids(expected.get(i).path("ids")), found.get(i).ids(), name);
            if (expected.get(i).has("score")) {
                double score = expected.get(i).path("score").asDouble();
                assertEquals(score, found.get(i).score(), 1e-5 * Math.max(1, Math.abs(score)), name);
            }
        }
    }

    private static int[] ids(JsonNode array) {
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = array.get(i).asInt();
        }
        return ids;
    }

    private static GenerationOptions options(JsonNode json) {
        JsonNode early = json.path("early_stopping");
        return GenerationOptions.builder().numBeams(json.path("num_beams").asInt()).maxLength(json.path("max_length").asInt())
                .minLength(json.path("min_length").asInt()).lengthPenalty(json.path("length_penalty").asDouble())
                .earlyStopping(early.asText().equals("never") ? EarlyStopping.NEVER : early.asBoolean() ? EarlyStopping.TRUE
                        : EarlyStopping.FALSE)
                .numReturnSequences(json.path("num_return_sequences").asInt()).repetitionPenalty(json.path("repetition_penalty").asDouble())
                .noRepeatNgramSize(json.path("no_repeat_ngram_size").asInt()).forcedBosTokenId(json.path("forced_bos_token_id").asInt(-1))
                .forcedEosTokenId(json.path("forced_eos_token_id").asInt(-1)).build();
    }

    @Test
    void samplingDrawsFromTheSameDistributions() throws IOException {
        JsonNode rows = new ObjectMapper().readTree(Goldens.path("transformer/generation/warpers.json").toFile());
        for (JsonNode row : rows) {
            int vocabSize = row.path("logits").size();
            Integer[] order = new Integer[vocabSize];
            for (int i = 0; i < vocabSize; i++) {
                order[i] = i;
            }
            java.util.Arrays.sort(order, (a, b) -> Double.compare(row.path("logits").get(b).asDouble(),
                    row.path("logits").get(a).asDouble()));
            for (JsonNode warper : row.path("cases")) {
                int topK = warper.path("top_k").asInt();
                int count = topK == 0 ? vocabSize : Math.min(topK, vocabSize);
                Sampler sampler = new Sampler(warper.path("temperature").asDouble(), warper.path("top_p").asDouble(), vocabSize);
                int kept = sampler.warp(rank -> (float) row.path("logits").get(order[rank]).asDouble(), count);
                for (int rank = 0; rank < vocabSize; rank++) {
                    double found = rank < count ? sampler.probability(rank) : 0;
                    assertEquals(warper.path("probabilities").get(order[rank]).asDouble(), found, 1e-6, warper.toString());
                    assertEquals(found > 0, rank < kept);
                }
                assertEquals(0, sampler.pick(0, kept));
                assertEquals(kept - 1, sampler.pick(Math.nextDown(1.0), kept));
            }
        }
    }
}
