package dev.gatun.models.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.bindings.kernels.Logits;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Drawn tokens against the probabilities that transformers' classes leave ({@code oracle/generate/processors.py}), by chi-square. */
class SamplingTest {
    private static final int DRAWS = 8_000;

    @Test
    void tokensAreDrawnByTheProbabilitiesOfTransformersAfterEveryCut() throws IOException {
        int cases = 0;
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile file = Goldens.open(arena, "generate/processors.safetensors");
            for (Map.Entry<String, String> entry : file.metadata().entrySet()) {
                String name = entry.getKey();
                JsonNode parameters = new ObjectMapper().readTree(entry.getValue());
                if (parameters.path("keep").asInt() == 1) {
                    cases++;
                    MemorySegment logits = file.tensor(name + ".in").segment();
                    check(name, draw(options(parameters, cases), logits), file.tensor(name + ".out").toFloats());
                }
            }
        }
        assertEquals(48, cases);
    }

    private static GenerationOptions options(JsonNode parameters, long seed) {
        GenerationOptions.Builder options = GenerationOptions.builder().doSample(true).seed(seed);
        parameters.properties().stream().filter(p -> !p.getKey().equals("keep"))
                .forEach(p -> options.warper(ProcessorsTest.warper(p.getKey(), p.getValue().doubleValue())));
        return options.build();
    }

    private static int[] draw(GenerationOptions options, MemorySegment row) {
        int vocabSize = (int) row.byteSize() / Float.BYTES;
        int[] counts = new int[vocabSize];
        Rules rules = new Rules(options, vocabSize, new int[0], -1, Integer.MAX_VALUE, TokenListener.NONE, null);
        int ranks = Search.ranks(rules);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment logits = arena.allocate(row.byteSize(), 64).copyFrom(row);
            Logits ranking = new Logits(arena, vocabSize, 1, ranks);
            ranking.logSumExp(logits, 1);
            Search.Scores scores = new Search.Scores(logits, ranking, ranks, new float[] {ranking.logSumExp(0)});
            ranking.topK(logits, 1, ranks);
            Draw draw = new Draw(rules);
            Sequence sequence = new Sequence(null);
            for (int i = 0; i < DRAWS; i++) {
                sequence.random = i == 0 ? Sampler.seed(options.seed(), 0, 0) : sequence.random;
                counts[draw.token(sequence, scores, 0)]++;
            }
        }
        return counts;
    }

    /** Tokens that are expected less than five times count together. */
    private static void check(String name, int[] counts, float[] probabilities) {
        double statistic = 0;
        double rareExpected = 0;
        int rare = 0;
        int classes = 0;
        for (int id = 0; id < counts.length; id++) {
            double expected = probabilities[id] * (double) DRAWS;
            if (expected == 0) {
                assertEquals(0, counts[id], name + ": token " + id + " is cut");
            } else if (expected < 5) {
                rareExpected += expected;
                rare += counts[id];
            } else {
                classes++;
                statistic += Math.pow(counts[id] - expected, 2) / expected;
            }
        }
        if (rareExpected > 0) {
            classes++;
            statistic += Math.pow(rare - rareExpected, 2) / rareExpected;
        }
        assertTrue(statistic <= critical(classes - 1), name + ": chi-square " + statistic + " of " + classes + " classes");
    }

    /** What one of 30,000 exceeds (Wilson and Hilferty 1931). */
    private static double critical(int freedom) {
        double spread = 2 / (9.0 * freedom);
        return freedom == 0 ? 1e-6 : freedom * Math.pow(1 - spread + 4 * Math.sqrt(spread), 3);
    }
}
