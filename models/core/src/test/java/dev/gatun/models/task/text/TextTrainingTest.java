package dev.gatun.models.task.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.train.Fit;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Heads that are trained on tiny encoders of transformers, and what is read of CSV files. */
class TextTrainingTest {
    private static final String TEXTS = """
            id,text,label
            1,what a good day,fine
            2,"good, ""very"" good work",fine
            3,a fine and happy end,fine

            4,"it was bad
            and sad",poor
            5,this is a poor film,poor
            6,never again,poor
            """;

    @TempDir
    Path folder;

    private List<String[]> examples() throws IOException {
        return TextTraining.read(Files.writeString(folder.resolve("texts.csv"), TEXTS.replace("\n", "\r\n")), "text", "label");
    }

    private static Fit fit(int epochs, boolean resume) {
        return new Fit(epochs, 3, 0.03, 0, 0, 1, 1, resume);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert-classify", "albert-classify", "distilbert-fill", "roberta-fill", "xlm-roberta-fill", "camembert-classify",
        "electra-fill", "mpnet-fill"})
    void aHeadIsLearntAndLoaded(String encoder) throws IOException {
        Path output = folder.resolve(encoder);
        Fit.Progress last = new TextTraining(examples(), fit(150, false), output, epoch -> { }).run(Goldens.path("heads/" + encoder));
        assertTrue(last.loss() < 0.2, last.toString());
        try (TextClassifier trained = TextClassifier.load(output, TextOptions.defaults())) {
            assertEquals(List.of("fine", "poor"), trained.labels());
            for (String[] example : examples()) {
                assertEquals(example[1], trained.classify(example[0]).getFirst().name(), example[0]);
            }
        }
    }

    /** Three steps on all examples at once; {@code oracle/train/thaw.py}. */
    @ParameterizedTest
    @ValueSource(strings = {"bert-classify", "albert-classify", "distilbert-fill", "roberta-fill", "electra-fill", "mpnet-fill"})
    void anEncoderIsFineTunedAsTransformersDoes(String encoder) throws IOException {
        JsonNode expected = new ObjectMapper().readTree(Goldens.path("train/thaw.json").toFile());
        fineTune(encoder, true, expected.get(encoder));
        fineTune(encoder, false, expected.get(encoder + " frozen"));
    }

    private void fineTune(String encoder, boolean thaw, JsonNode expected) throws IOException {
        Path output = folder.resolve(encoder + thaw);
        List<Double> losses = new ArrayList<>();
        new TextTraining(examples(), new Fit(3, 6, 1e-3, 0.1, 0, 1, 1, false), output, epoch -> losses.add(epoch.loss()))
                .run(Goldens.path("heads/" + encoder), thaw);
        try (TextClassifier trained = TextClassifier.load(output, TextOptions.defaults())) {
            for (int i = 0; i < 6; i++) {
                Label first = trained.classify(examples().get(i)[0]).getFirst();
                double fine = expected.get("fine").get(i).asDouble();
                assertEquals(fine > 0.5 ? "fine" : "poor", first.name(), encoder + " of text " + i);
                assertEquals(Math.max(fine, 1 - fine), first.score(), 1e-4, encoder + " of text " + i);
            }
        }
        for (int i = 0; i < 3; i++) {
            assertEquals(expected.get("losses").get(i).asDouble(), losses.get(i), 1e-5, "loss of step " + i);
        }
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile trained = SafetensorsFile.open(output.resolve("model.safetensors"), arena);
            expected.get("parameters").properties().forEach(parameter -> {
                float[] found = trained.floats(parameter.getKey()).toFloats();
                for (int i = 0; i < parameter.getValue().size(); i++) {
                    // The gradient of a key's bias is zero but for rounding, of which AdamW makes steps.
                    if (!parameter.getKey().matches(".*(key|k_lin|attn\\.k)\\.bias")) {
                        assertEquals(parameter.getValue().get(i).asDouble(), found[i], 1e-4, parameter.getKey() + " at " + i);
                    }
                }
            });
        }
    }

    @Test
    void otherModelsAndExamplesAreRefused() throws IOException {
        TextTraining training = new TextTraining(examples(), fit(1, false), folder.resolve("out"), epoch -> { });
        assertTrue(assertThrows(WeightException.class, () -> training.run(Goldens.path("heads/modernbert-classify"))).getMessage()
                .contains("is a modernbert"));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> new TextTraining(examples().subList(0, 3), fit(1, false), folder,
                epoch -> { })).getMessage().contains("[fine], expected two or more"));
    }

    @Test
    void anInterruptedTrainingComesToTheSameModel() throws IOException {
        Path model = Goldens.path("heads/bert-classify");
        Path whole = folder.resolve("whole");
        Path broken = folder.resolve("broken");
        new TextTraining(examples(), fit(4, false), whole, epoch -> { }).run(model);
        TextTraining killed = new TextTraining(examples(), fit(4, false), broken, epoch -> {
            if (epoch.epoch() == 2) {
                throw new IllegalStateException("killed");
            }
        });
        assertThrows(IllegalStateException.class, () -> killed.run(model));
        new TextTraining(examples(), fit(4, true), broken, epoch -> { }).run(model);
        assertArrayEquals(Files.readAllBytes(whole.resolve("model.safetensors")), Files.readAllBytes(broken.resolve("model.safetensors")));
    }

    @Test
    void csvIsReadAsItsRfcSays() throws IOException {
        List<String[]> examples = examples();
        assertEquals(6, examples.size());
        assertArrayEquals(new String[] {"good, \"very\" good work", "fine"}, examples.get(1));
        assertArrayEquals(new String[] {"it was bad\r\nand sad", "poor"}, examples.get(3));
        List<String> messages = new ArrayList<>();
        for (String wrong : List.of("", "text;label\na;b\n", "text,label\na\n", "text,label\n\"a,b\n", "text,label\na\"b,c\n",
                "text,label\n\"a\"b,c\n")) {
            Path file = Files.writeString(folder.resolve("wrong.csv"), wrong);
            messages.add(assertThrows(IOException.class, () -> TextTraining.read(file, "text", "label")).getMessage()
                    .substring(file.toString().length()));
        }
        assertEquals(List.of(": the first line names the columns [], expected text and label among them",
                ": the first line names the columns [text;label], expected text and label among them",
                ", line 2: has 1 fields, the first line 2", ", line 2: a quote is not closed",
                ", line 2: a quote within a field that does not begin with one", ", line 2: something follows a quote that ends a field"),
                messages);
    }
}
