package dev.gatun.models.task.classify;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.train.Fit;
import dev.gatun.models.vision.VisionSession;
import dev.gatun.models.vision.VisionSpec.InputSize;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.testing.Reference;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Hugging Face's ResNet against transformers; {@code oracle/resnet/hub.py} made the goldens. */
class HubResNetTest {
    private static final ClassifierOptions TWO = ClassifierOptions.defaults().withThreads(2);
    private static final Path PICTURE = Goldens.path("resnet/picture.png");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"bottleneck", "early", "basic"})
    void logitsAndFeaturesAreTransformers(String name) {
        try (Arena arena = Arena.ofShared(); ImageClassifier classifier = ImageClassifier.load(Goldens.path("resnet/" + name), TWO);
                VisionSession session = classifier.model().newSession(new InputSize(25, 20), 2)) {
            SafetensorsFile golden = Goldens.open(arena, "resnet/" + name + ".safetensors");
            MemorySegment pixels = golden.floats("pixels").segment();
            double[] features = Reference.widen(Goldens.floats(golden, "features"));
            Tensor logits = Tensor.allocate(arena, TensorDesc.of(DataType.F32, 2, 5));
            Tensor rows = Tensor.allocate(arena, TensorDesc.of(DataType.F32, 2, features.length / 2));
            session.forward(pixels, 2, logits.segment(), rows.segment());
            Reference.assertClose(Reference.widen(Goldens.floats(golden, "logits")), logits.toFloats(), 1e-5);
            Reference.assertClose(features, rows.toFloats(), 1e-5);
            assertEquals(List.of("cat", "dog", "bird", "fish", "tree"), classifier.labels());
        }
    }

    /** The stretched one has every 997th value only. */
    @ParameterizedTest
    @CsvSource({"bottleneck, 40, 1", "early, 33, 1", "basic, 384, 997"})
    void picturesArePreparedAsByTransformers(String name, int side, int step) throws Exception {
        try (Arena arena = Arena.ofShared(); ImageClassifier classifier = ImageClassifier.load(Goldens.path("resnet/" + name), TWO)) {
            SafetensorsFile golden = Goldens.open(arena, "resnet/" + name + ".safetensors");
            Tensor input = Tensor.allocate(arena, TensorDesc.of(DataType.F32, 3, side, side));
            classifier.preprocessor().load(PICTURE, input.segment());
            float[] expected = Goldens.floats(golden, "prepared");
            assertEquals((3 * side * side + step - 1) / step, expected.length);
            for (int i = 0; i < expected.length; i++) {
                assertEquals(expected[i], input.getFloat((long) i * step), 2e-6, "element " + i);
            }
            ImageClassifier.Result result = classifier.classify(List.of(PICTURE), r -> { }).getFirst();
            Reference.assertClose(Reference.widen(Goldens.floats(golden, "picture")), result.logits(), 1e-5);
        }
    }

    private void copy(String name) throws IOException {
        for (String file : new String[] {"model.safetensors", "config.json", "preprocessor_config.json"}) {
            Files.copy(Goldens.path("resnet/" + name).resolve(file), folder.resolve(file));
        }
    }

    private void edit(String file, String field, String value) throws IOException {
        ObjectNode node = (ObjectNode) JSON.readTree(folder.resolve(file).toFile());
        node.set(field, JSON.readTree(value));
        Files.writeString(folder.resolve(file), node.toString());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"config.json | hidden_act | \"gelu_10\" | hidden_act is",
        "config.json | hidden_act | null | hidden_act",
        "config.json | layer_type | \"wide\" | layer_type is", "config.json | layer_type | \"basic\" | expected [16, 6, 3, 3]",
        "config.json | depths | [1, 2] | depths is", "config.json | depths | [1, 1, 1] | tensors that resnet does not have",
        "config.json | depths | [2, 2, 1] | encoder.stages.0.layers.1", "config.json | depths | 3 | depths is",
        "config.json | hidden_sizes | [16, 24, 44] | expected [11, 24, 1, 1]", "config.json | hidden_sizes | [16, 24, 3] | hidden_sizes is",
        "config.json | num_channels | 1 | expected [6, 1, 7, 7]", "config.json | embedding_size | 16 | expected [16, 3, 7, 7]",
        "config.json | architectures | [\"ResNetModel\"] | architectures is", "config.json | id2label | {\"0\": \"a\"} | 1 labels",
        "preprocessor_config.json | crop_pct | 1.5 | crop_pct is", "preprocessor_config.json | do_center_crop | true | do_center_crop is",
        "preprocessor_config.json | size | {\"height\": 40, \"width\": 40} | size is",
        "preprocessor_config.json | size | {\"shortest_edge\": 40, \"longest_edge\": 60} | longest_edge",
        "preprocessor_config.json | feature_extractor_type | \"ViTFeatureExtractor\" | no such field",
        "preprocessor_config.json | default_to_square | true | default_to_square"})
    void whatIsNotServedIsRefusedByName(String file, String field, String value, String expected) throws IOException {
        copy("bottleneck");
        edit(file, field, value);
        String message = assertThrows(WeightException.class, () -> ImageClassifier.load(folder, TWO)).getMessage();
        assertTrue(message.contains(expected), message);
    }

    /** As transformers' pipeline; 1 / (1 + e^-2) and 1 / (1 + e^-1). */
    @Test
    void classesThatMayHoldTogetherHaveScoresOfTheirOwn() throws IOException {
        copy("early");
        edit("config.json", "problem_type", "\"multi_label_classification\"");
        try (ImageClassifier apart = ImageClassifier.load(folder, TWO);
                ImageClassifier one = ImageClassifier.load(Goldens.path("resnet/early"), TWO)) {
            float[] logits = {0, 2, -3, 1, Float.NEGATIVE_INFINITY};
            List<Prediction.Guess> best = apart.predict(logits, 2).best();
            assertEquals(List.of("dog", "fish"), best.stream().map(Prediction.Guess::label).toList());
            assertEquals(0.880797077978, best.get(0).score(), 1e-9);
            assertEquals(0.731058578630, best.get(1).score(), 1e-9);
            assertEquals(1, one.predict(logits, 5).best().stream().mapToDouble(Prediction.Guess::score).sum(), 1e-9);
        }
    }

    @Test
    void aFolderWithoutPreprocessingIsRefused() throws IOException {
        copy("early");
        Files.delete(folder.resolve("preprocessor_config.json"));
        assertTrue(assertThrows(WeightException.class, () -> ImageClassifier.load(folder, TWO)).getMessage()
                .contains("preprocessor_config.json: does not exist"));
    }

    @Test
    void itsLastLayerIsTrainedAndItIsQuantized() throws IOException {
        copy("bottleneck");
        Path head = folder.resolve("head");
        for (String label : new String[] {"a", "b"}) {
            Files.createDirectories(folder.resolve("pictures/" + label));
            Files.copy(PICTURE, folder.resolve("pictures/" + label + "/1.png"));
        }
        new ImageTraining(Examples.of(folder.resolve("pictures")), new Fit(2, 4, 0.01, 0, 0, 1, 1, false), head, epoch -> { }).head(folder);
        Path bytes = folder.resolve("int8");
        Quantizer.Report report = Quantizer.quantize(folder, List.of(PICTURE), bytes, QuantizeOptions.defaults());
        assertTrue(report.layers().getLast().relativeError() < 0.1, report.layers().toString());
        try (ImageClassifier plain = ImageClassifier.load(folder, TWO); ImageClassifier trained = ImageClassifier.load(head, TWO);
                ImageClassifier quantized = ImageClassifier.load(bytes, TWO)) {
            assertEquals(List.of("a", "b"), trained.labels());
            assertEquals("int8", quantized.precision());
            assertEquals(plain.labels(), quantized.labels());
            ImageClassifier.Result expected = plain.classify(List.of(PICTURE), r -> { }).getFirst();
            assertArrayEquals(expected.features(), trained.classify(List.of(PICTURE), r -> { }).getFirst().features());
            float[] logits = quantized.classify(List.of(PICTURE), r -> { }).getFirst().logits();
            Reference.assertClose(Reference.widen(expected.logits()), logits, 0.1);
        }
        edit("config.json", "hidden_act", "\"silu\"");
        assertTrue(assertThrows(WeightException.class, () -> Quantizer.quantize(folder, List.of(PICTURE), bytes,
                QuantizeOptions.defaults()))
                .getMessage().contains("hidden_act"));
    }
}
