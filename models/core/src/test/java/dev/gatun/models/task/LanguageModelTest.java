package dev.gatun.models.task;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.catalog.Graphs;
import dev.gatun.models.catalog.ServedFamilies;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.generate.Generated;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.TokenListener;
import dev.gatun.models.task.language.LanguageModel;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Recurrent language models against PyTorch ({@code oracle/recurrent/language_model.py}). */
class LanguageModelTest {
    @TempDir
    Path folder;

    private static JsonNode json(String name) throws IOException {
        return new ObjectMapper().readTree(Goldens.path(name).toFile());
    }

    private static int[] ints(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false).mapToInt(JsonNode::intValue).toArray();
    }

    private static GenerationOptions.Builder tokens(int count) {
        return GenerationOptions.builder().maxNewTokens(count);
    }

    @Test
    void narrowWeightsOfTheModelThatShipsChangeItsPerplexityLittle() throws IOException {
        String text = "The Congress shall assemble at least once in every Year, and such Meeting shall be on the first Monday.\n".repeat(3);
        double[] found = new double[4];
        for (Precision precision : List.of(Precision.F32, Precision.F16, Precision.BF16, Precision.INT8)) {
            try (LanguageModel model = LanguageModel.load(1, precision)) {
                found[precision.ordinal()] = model.perplexity(text).perplexity();
                assertEquals(precision == Precision.F32 ? 0 : 3, model.model().narrowings().stream().filter(n -> n.taken() == precision)
                        .count());
            }
        }
        double exact = found[Precision.F32.ordinal()];
        assertEquals(exact, found[Precision.F16.ordinal()], 1e-3 * exact);
        assertEquals(exact, found[Precision.BF16.ordinal()], 1e-2 * exact);
        assertEquals(exact, found[Precision.INT8.ordinal()], 1e-2 * exact);
        assertTrue(found[Precision.F16.ordinal()] != exact && found[Precision.INT8.ordinal()] != exact);
    }

    @Test
    void everyKindGivesPyTorchsPerplexityAndItsGreedyTokens() throws IOException {
        JsonNode expected = json("recurrent/tiny/expected.json");
        int[] ids = ints(expected.path("ids"));
        for (String kind : List.of("lstm", "gru", "rnn_tanh", "rnn_relu")) {
            try (LanguageModel model = LanguageModel.load(Goldens.path("recurrent/tiny/" + kind), 1)) {
                LanguageModel.Score score = model.perplexity(ids);
                assertEquals(expected.path(kind).path("perplexity").doubleValue(), score.perplexity(), 1e-4, kind);
                assertEquals(59, score.tokens());
                Generated found = model.generate(new int[] {ids[0], ids[1], ids[2]}, tokens(20).build(), TokenListener.NONE).getFirst();
                assertArrayEquals(ints(expected.path(kind).path("greedy")), found.ids(), kind);
            }
        }
    }

    @Test
    void theModelThatShipsGivesPyTorchsPerplexityOfTextItNeverSaw() throws IOException {
        JsonNode expected = json("recurrent/constitution.json");
        try (LanguageModel model = LanguageModel.load(2)) {
            double perplexity = expected.path("perplexity").doubleValue();
            assertEquals(perplexity, model.perplexity(expected.path("held_out").textValue()).perplexity(), 5e-5 * perplexity);
            assertEquals(List.of(expected.path("greedy").textValue()), model.generate(expected.path("prompt").textValue(),
                    tokens(60).build()));
        }
    }

    @Test
    void samplingHonoursItsOptions() {
        try (LanguageModel model = LanguageModel.load(1)) {
            String prompt = "The President ";
            GenerationOptions.Builder sampled = tokens(40).doSample(true).seed(5).numReturnSequences(2);
            List<String> first = model.generate(prompt, sampled.build());
            assertEquals(first, model.generate(prompt, sampled.build()));
            assertNotEquals(first.get(0), first.get(1));
            assertNotEquals(first, model.generate(prompt, sampled.seed(6).build()));
            String greedy = model.generate(prompt, tokens(40).build()).getFirst();
            assertEquals(List.of(greedy, greedy), model.generate(prompt, sampled.topK(1).build()));
            int e = model.vocabulary().encode("e", false)[0];
            String stopped = model.generate(prompt, tokens(40).stopSequence(List.of(e)).build()).getFirst();
            assertEquals(stopped.length() - 1, stopped.indexOf('e'));
            int[] penalized = model.generate(model.vocabulary().encode(prompt, false), tokens(20).noRepeatNgramSize(1).build(),
                    TokenListener.NONE).getFirst().ids();
            assertEquals(20, java.util.Arrays.stream(penalized).distinct().count());
            assertThrows(IllegalArgumentException.class, () -> model.generate(prompt, tokens(4).numBeams(2).build()));
            assertThrows(IllegalArgumentException.class, () -> model.generate(prompt, GenerationOptions.greedy()));
            assertThrows(IllegalArgumentException.class, () -> model.generate("", tokens(4).build()));
            assertThrows(IllegalArgumentException.class, () -> model.generate("\u00e9", tokens(4).build()));
            assertThrows(IllegalArgumentException.class, () -> model.perplexity("T"));
        }
    }

    @Test
    void wordsEndLinesAndUnknownOnesAreUnknown() {
        try (LanguageModel model = LanguageModel.load(Goldens.path("recurrent/tiny/gru"), 1)) {
            assertArrayEquals(new int[] {1, 9, 10, 10, 2, 10}, model.vocabulary().encode("w1 other\n\n  w2", true));
            assertArrayEquals(new int[] {1, 10, 2}, model.vocabulary().encode("w1\nw2", false));
            assertEquals("w1 w2\nw3", model.vocabulary().decode(new int[] {1, 2, 10, 3}));
            assertThrows(IllegalArgumentException.class, () -> model.perplexity(new int[] {1, 11, 2}));
        }
    }

    @Test
    void foldersAreFoundShownAndCheckedFieldByField() throws IOException {
        Checkpoint checkpoint = Checkpoint.open(Goldens.path("recurrent/tiny/lstm"));
        assertEquals("rnn-language-model", ServedFamilies.ALL.require(checkpoint).name());
        assertTrue(Graphs.text(checkpoint, null).getFirst().contains("Recurrent"));
        String config = Files.readString(Goldens.path("recurrent/tiny/lstm/config.json"));
        for (String name : List.of("model.safetensors", "vocabulary.json")) {
            Files.copy(Goldens.path("recurrent/tiny/lstm/" + name), folder.resolve(name));
        }
        String[][] changes = {{"\"nhid\": 9", "\"nhid\": 8"}, {"\"rnn_type\": \"LSTM\"", "\"rnn_type\": \"GRU\""}, {"\"ntoken\": 11",
                "\"ntoken\": 12"},
            {"\"LSTM\"", "\"QRNN\""}, {"\"nlayers\": 2", "\"nlayers\": 3"}, {"\"nlayers\": 2", "\"nlayers\": 2, \"nhead\": 2"},
            {"\"words\"", "\"pieces\""}};
        for (String[] change : changes) {
            Files.writeString(folder.resolve("config.json"), config.replace(change[0], change[1]));
            assertThrows(WeightException.class, () -> LanguageModel.load(folder, 1).close(), change[1]);
        }
    }
}
