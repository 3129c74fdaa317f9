package dev.gatun.models.task.language;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Taggers, with a CRF and without, and forecasters against PyTorch ({@code oracle/recurrent/sequences.py}). */
class SequencesTest {
    @TempDir
    Path folder;

    private static JsonNode expected(String name) throws IOException {
        return new ObjectMapper().readTree(Goldens.path("recurrent/sequences/sequences.json").toFile()).get(name);
    }

    private static Path model(String name) {
        return Goldens.path("recurrent/sequences/" + name);
    }

    private static List<String> texts(JsonNode node) {
        List<String> texts = new ArrayList<>();
        node.forEach(each -> texts.add(each.asText()));
        return texts;
    }

    @ParameterizedTest
    @ValueSource(strings = {"tagger", "tagger-crf", "tagger-gru"})
    void tagsArePyTorchs(String name) throws IOException {
        List<List<String>> sentences = new ArrayList<>();
        List<List<String>> tags = new ArrayList<>();
        for (JsonNode each : expected(name)) {
            sentences.add(texts(each.get("words")));
            tags.add(texts(each.get("tags")));
        }
        sentences.add(1, List.of());
        tags.add(1, List.of());
        try (SequenceTagger tagger = SequenceTagger.load(model(name), 1)) {
            assertEquals(tags, tagger.tag(sentences));
            assertEquals(List.of(), tagger.tag(List.of()));
            assertEquals(List.of(tags.getFirst()), tagger.tag(List.of(sentences.getFirst())));
        }
    }

    private static float[] floats(JsonNode node) {
        float[] values = new float[node.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) node.get(i).asDouble();
        }
        return values;
    }

    @ParameterizedTest
    @ValueSource(strings = {"forecaster", "forecaster-both"})
    void forecastsArePyTorchs(String name) throws IOException {
        List<float[][]> series = new ArrayList<>();
        List<float[]> next = new ArrayList<>();
        for (JsonNode each : expected(name)) {
            float[][] steps = new float[each.get("series").size()][];
            for (int i = 0; i < steps.length; i++) {
                steps[i] = floats(each.get("series").get(i));
            }
            series.add(steps);
            next.add(floats(each.get("next")));
        }
        try (Forecaster forecaster = Forecaster.load(model(name), 1)) {
            float[][] found = forecaster.forecast(series);
            for (int i = 0; i < found.length; i++) {
                assertArrayEquals(next.get(i), found[i], 1e-5f);
            }
            assertEquals("sequence 0 has 0 steps, expected 1 or more", assertThrows(IllegalArgumentException.class,
                    () -> forecaster.forecast(List.<float[][]>of(new float[0][]))).getMessage());
            assertEquals("series 0 has a step of 2 values, expected 3", assertThrows(IllegalArgumentException.class,
                    () -> forecaster.forecast(List.<float[][]>of(new float[][] {{1, 2}}))).getMessage());
            assertEquals("series 0 has a value NaN, expected finite numbers", assertThrows(IllegalArgumentException.class,
                    () -> forecaster.forecast(List.<float[][]>of(new float[][] {{1, 2, Float.NaN}}))).getMessage());
        }
    }

    @Test
    void narrowWeightsChangeAForecastLittle() throws IOException {
        float[][] steps = new float[30][3];
        for (int i = 0; i < 90; i++) {
            steps[i / 3][i % 3] = (float) Math.sin(i);
        }
        for (String name : List.of("forecaster", "forecaster-both")) {
            float[] exact;
            try (Forecaster forecaster = Forecaster.load(model(name), 1)) {
                exact = forecaster.forecast(List.<float[][]>of(steps))[0];
            }
            for (Precision precision : List.of(Precision.F16, Precision.BF16, Precision.INT8)) {
                try (Forecaster forecaster = Forecaster.load(model(name), 1, precision)) {
                    float[] found = forecaster.forecast(List.<float[][]>of(steps))[0];
                    assertArrayEquals(exact, found, precision == Precision.F16 ? 1e-3f : 1e-2f);
                    assertTrue(!Arrays.equals(exact, found), name + " " + precision);
                }
            }
        }
    }

    @Test
    void contradictionsAreRefused() throws IOException {
        assertTrue(assertThrows(WeightException.class, () -> SequenceTagger.load(model("forecaster"), 1)).getMessage()
                .contains("no tagger"));
        assertTrue(assertThrows(WeightException.class, () -> Forecaster.load(model("tagger"), 1)).getMessage().contains("rnn-forecaster"));
        for (String[] change : new String[][] {{"\"nout\": 2", "\"nout\": 3"}, {"\"nlayers\": 2", "\"nlayers\": 3"},
            {"\"nhid\": 6", "\"nhid\": 6, \"attention\": true"}, {"\"LSTM\"", "\"QRNN\""}}) {
            String config = Files.readString(model("forecaster").resolve("config.json"));
            assertTrue(config.contains(change[0]), config);
            Files.copy(model("forecaster").resolve("model.safetensors"), folder.resolve("model.safetensors"),
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            Files.writeString(folder.resolve("config.json"), config.replace(change[0], change[1]));
            assertThrows(WeightException.class, () -> Forecaster.load(folder, 1), change[1]);
        }
    }
}
