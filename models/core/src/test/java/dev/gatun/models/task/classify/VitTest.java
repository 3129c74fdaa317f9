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
import dev.gatun.models.vision.VisionSession;
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

/** ViT and DeiT against transformers; {@code oracle/vit/vit.py} made the goldens. */
class VitTest {
    private static final ClassifierOptions TWO = ClassifierOptions.defaults().withThreads(2);
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"vit", "vit-wide", "deit", "deit-teacher"})
    void logitsAreTransformers(String name) {
        try (Arena arena = Arena.ofShared(); ImageClassifier classifier = ImageClassifier.load(Goldens.path("vit/" + name), TWO)) {
            SafetensorsFile golden = Goldens.open(arena, "vit/" + name + ".safetensors");
            float[] pixels = Goldens.floats(golden, "pixels");
            float[] logits = Goldens.floats(golden, "logits");
            int size = pixels.length / 3;
            for (int count : new int[] {0, 1, 2, 7, 19}) {
                MemorySegment input = arena.allocate((long) Math.max(1, count) * size * Float.BYTES, 64);
                double[] expected = new double[count * 5];
                for (int i = 0; i < count; i++) {
                    MemorySegment.copy(MemorySegment.ofArray(pixels), (long) i % 3 * size * 4, input, (long) i * size * 4, size * 4L);
                    for (int c = 0; c < 5; c++) {
                        expected[i * 5 + c] = logits[i % 3 * 5 + c];
                    }
                }
                Tensor result = Tensor.allocate(arena, TensorDesc.of(DataType.F32, count, 5));
                classifier.forward(input, count, result.segment(), MemorySegment.NULL);
                Reference.assertClose(expected, result.toFloats(), 1e-5);
                try (VisionSession session = classifier.model().newSession(1)) {
                    session.forward(input, count, result.segment());
                }
                Reference.assertClose(expected, result.toFloats(), 1e-5);
            }
        }
    }

    /** Pillow computes in fixed point: a sample here and there is one level of 255 beside it, as in the tests of resampling. */
    @ParameterizedTest
    @CsvSource({"vit, 255, 0.5", "vit-wide, 127.5, 0.2", "deit, 255, 1", "deit-teacher, 1, 60"})
    void picturesArePreparedAsByTransformers(String name, double range, double leastStd) throws Exception {
        try (Arena arena = Arena.ofShared(); ImageClassifier classifier = ImageClassifier.load(Goldens.path("vit/" + name), TWO)) {
            SafetensorsFile golden = Goldens.open(arena, "vit/" + name + ".safetensors");
            Path picture = Goldens.path("vit/picture.png");
            double[] expected = Reference.widen(Goldens.floats(golden, "prepared"));
            Tensor input = Tensor.allocate(arena, TensorDesc.of(DataType.F32, golden.entry("prepared").shape().dims()));
            classifier.preprocessor().load(picture, input.segment());
            double level = 1 / range / leastStd;
            int beside = 0;
            for (int i = 0; i < expected.length; i++) {
                double difference = Math.abs(expected[i] - input.getFloat(i));
                assertTrue(difference <= level * 1.001, "element " + i + " differs by " + difference);
                beside += difference > 2e-6 ? 1 : 0;
            }
            assertTrue(beside <= expected.length / 100, beside + " of " + expected.length + " elements differ");
            double[] logits = Reference.widen(Goldens.floats(golden, "picture"));
            for (ImageClassifier.Result result : classifier.classify(List.of(picture, picture), r -> { })) {
                Reference.assertClose(logits, result.logits(), beside == 0 ? 1e-5 : 5e-3);
                assertEquals(name.equals("deit-teacher") ? 72 : 36, result.features().length);
            }
            MemorySegment.copy(MemorySegment.ofArray(Goldens.floats(golden, "prepared")), 0, input.segment(), 0, expected.length * 4L);
            Tensor result = Tensor.allocate(arena, TensorDesc.of(DataType.F32, 1, 5));
            classifier.forward(input.segment(), 1, result.segment(), MemorySegment.NULL);
            Reference.assertClose(logits, result.toFloats(), 1e-5);
        }
    }

    private void copy(String name) throws IOException {
        for (String file : new String[] {"model.safetensors", "config.json", "preprocessor_config.json"}) {
            Files.copy(Goldens.path("vit/" + name).resolve(file), folder.resolve(file));
        }
    }

    private void edit(String file, String field, String value) throws IOException {
        ObjectNode node = (ObjectNode) JSON.readTree(folder.resolve(file).toFile());
        node.set(field, JSON.readTree(value));
        Files.writeString(folder.resolve(file), node.toString());
    }

    private String refused() {
        return assertThrows(WeightException.class, () -> ImageClassifier.load(folder, TWO)).getMessage();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"do_resize | false", "resample | 9", "image_mean | [0.5]", "image_std | [1, 0, 1]", "size | 31",
        "crop_size | 29", "do_center_crop | 1", "rescale_factor | 0", "rescale_offset | true",
        "image_processor_type | \"DonutImageProcessor\"",
        "size | {\"shortest_edge\": 30}", "size | {\"height\": 30}", "size | {\"height\": 30, \"width\": 30, \"max_width\": 3}",
        "do_pad | true"})
    void preprocessingThatIsNotServedIsRefused(String field, String value) throws IOException {
        copy("vit");
        if (field.equals("crop_size")) {
            edit("preprocessor_config.json", "do_center_crop", "true");
        }
        edit("preprocessor_config.json", field, value);
        String message = refused();
        assertTrue(message.contains("preprocessor_config.json") && message.contains(field), message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"hidden_act | \"gelu_10\" | hidden_act", "image_size | 37 | position_embeddings",
        "image_size | [30] | image_size", "patch_size | 31 | patch_size", "hidden_size | 40 | expected [5, 40]",
        "num_hidden_layers | 1 | encoder.layer.1", "num_hidden_layers | 3 | encoder.layer.2", "qkv_bias | false | query.bias",
        "architectures | [\"ViTModel\"] | architectures", "architectures | [\"DeiTForImageClassification\"] | architectures",
        "model_type | \"deit\" | architectures", "head_dim | 13 | query.weight", "id2label | {\"0\": \"a\"} | 1 labels"})
    void configsThatContradictTheTensorsAreRefused(String field, String value, String expected) throws IOException {
        copy("vit");
        edit("config.json", field, value);
        String message = refused();
        assertTrue(message.contains(expected), message);
    }

    @Test
    void oldFoldersHaveSquaresAndNoTypeOfProcessor() throws IOException {
        copy("vit");
        Files.writeString(folder.resolve("preprocessor_config.json"),
                "{\"do_normalize\": true, \"do_resize\": true, \"image_mean\": 0.5, \"image_std\": [0.5, 0.5, 0.5], \"size\": 30}");
        edit("config.json", "id2label", "{\"0\": \"ant\", \"1\": \"bee\", \"2\": \"cat\", \"3\": \"dog\", \"4\": \"elk\"}");
        try (ImageClassifier old = ImageClassifier.load(folder, TWO);
                ImageClassifier now = ImageClassifier.load(Goldens.path("vit/vit"), TWO)) {
            assertEquals(List.of("ant", "bee", "cat", "dog", "elk"), old.labels());
            assertArrayEquals(now.preprocessor().mean(), old.preprocessor().mean());
            assertArrayEquals(new int[] {30, 30}, old.preprocessor().corner());
            assertEquals(now.preprocessor().interpolation(), old.preprocessor().interpolation());
        }
        Files.delete(folder.resolve("preprocessor_config.json"));
        assertTrue(refused().contains("preprocessor_config.json: does not exist"));
    }

    @Test
    void transformersAreNotQuantized() throws IOException {
        copy("deit");
        String message = assertThrows(WeightException.class, () -> Quantizer.quantize(folder,
                List.of(Goldens.path("vit/picture.png")), folder.resolve("out"), QuantizeOptions.defaults())).getMessage();
        assertTrue(message.contains("is a Transformer"), message);
    }
}
