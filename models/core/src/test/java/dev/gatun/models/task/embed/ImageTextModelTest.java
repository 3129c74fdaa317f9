package dev.gatun.models.task.embed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.Pooling;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** CLIP and SigLIP against transformers; {@code oracle/clip/clip.py} made the goldens. */
class ImageTextModelTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final EmbeddingOptions RAW = EmbeddingOptions.defaults().withThreads(2).withNormalize(false);

    @TempDir
    Path folder;

    private static List<String> texts() throws IOException {
        return Arrays.asList(JSON.readValue(Goldens.path("clip/texts.json").toFile(), String[].class));
    }

    @ParameterizedTest
    @ValueSource(strings = {"clip", "clip-old", "siglip"})
    void textsAreTransformers(String name) throws IOException {
        try (Arena arena = Arena.ofShared(); EmbeddingModel model = EmbeddingModel.load(Goldens.path("clip/" + name), RAW);
                Embeddings found = model.embed(texts()); Embeddings one = model.embed(texts().get(3))) {
            SafetensorsFile golden = Goldens.open(arena, "clip/" + name + ".safetensors");
            double[] expected = Reference.widen(Goldens.floats(golden, "texts"));
            assertEquals(golden.entry("texts").shape().dim(1), found.dimension());
            Reference.assertClose(expected, found.vectors().toArray(java.lang.foreign.ValueLayout.JAVA_FLOAT), 1e-5);
            Reference.assertClose(Arrays.copyOfRange(expected, 3 * found.dimension(), 4 * found.dimension()), one.toFloats(0), 1e-5);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"clip", "clip-old", "siglip"})
    void picturesAreTransformers(String name) {
        try (Arena arena = Arena.ofShared(); ImageTextModel model = ImageTextModel.load(Goldens.path("clip/" + name), RAW)) {
            SafetensorsFile golden = Goldens.open(arena, "clip/" + name + ".safetensors");
            float[] pixels = Goldens.floats(golden, "pixels");
            float[] vectors = Goldens.floats(golden, "pictures");
            int size = pixels.length / 2;
            int columns = vectors.length / 2;
            for (int count : new int[] {0, 1, 2, 7, 19}) {
                MemorySegment input = arena.allocate((long) Math.max(1, count) * size * Float.BYTES, 64);
                double[] expected = new double[count * columns];
                for (int i = 0; i < count; i++) {
                    MemorySegment.copy(MemorySegment.ofArray(pixels), (long) i % 2 * size * 4, input, (long) i * size * 4, size * 4L);
                    for (int c = 0; c < columns; c++) {
                        expected[i * columns + c] = vectors[i % 2 * columns + c];
                    }
                }
                for (int threads = 1; threads <= 2; threads++) {
                    Tensor result = Tensor.allocate(arena, TensorDesc.of(DataType.F32, count, columns));
                    try (VisionSession session = model.vision().newSession(threads)) {
                        session.forward(input, count, result.segment());
                    }
                    Reference.assertClose(expected, result.toFloats(), 1e-5);
                }
            }
        }
    }

    /** Pillow computes in fixed point: a sample here and there is one level of 255 beside it. */
    @ParameterizedTest
    @CsvSource({"clip, 0.26", "clip-old, 0.2", "siglip, 0.5"})
    void picturesArePreparedAsByTransformers(String name, double leastStd) {
        try (Arena arena = Arena.ofShared(); ImageTextModel model = ImageTextModel.load(Goldens.path("clip/" + name), RAW)) {
            SafetensorsFile golden = Goldens.open(arena, "clip/" + name + ".safetensors");
            double[] expected = Reference.widen(Goldens.floats(golden, "prepared"));
            Tensor input = Tensor.allocate(arena, TensorDesc.of(DataType.F32, golden.entry("prepared").shape().dims()));
            Path picture = Goldens.path("vit/picture.png");
            assertTrue(load(model, picture, input));
            int beside = 0;
            for (int i = 0; i < expected.length; i++) {
                double difference = Math.abs(expected[i] - input.getFloat(i));
                assertTrue(difference <= 1.001 / 255 / leastStd, "element " + i + " differs by " + difference);
                beside += difference > 2e-6 ? 1 : 0;
            }
            assertTrue(beside <= expected.length / 100, beside + " of " + expected.length + " elements differ");
            double[] vector = Reference.widen(Goldens.floats(golden, "picture"));
            for (ImageTextModel.PictureVector found : model.embed(List.of(picture, picture, picture), one -> { })) {
                Reference.assertClose(vector, found.vector(), beside == 0 ? 1e-5 : 5e-3);
            }
        }
    }

    private static boolean load(ImageTextModel model, Path picture, Tensor input) {
        try {
            model.preprocessor().load(picture, input.segment());
            return true;
        } catch (dev.gatun.models.image.PictureException e) {
            return false;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"clip", "siglip"})
    void labelsOfOnesOwnAreScoredAsByTransformers(String name) throws IOException {
        Path picture = Goldens.path("vit/picture.png");
        Path none = folder.resolve("none.png");
        try (Arena arena = Arena.ofShared();
                ImageTextModel model = ImageTextModel.load(Goldens.path("clip/" + name), EmbeddingOptions.defaults().withThreads(2))) {
            float[] logits = Goldens.floats(Goldens.open(arena, "clip/" + name + ".safetensors"), "logits");
            int count = texts().size();
            double[] expected = new double[count];
            double sum = 0;
            for (int i = 0; i < count; i++) {
                double logit = logits[2 * count + i];
                expected[i] = name.equals("clip") ? Math.exp(logit) : 1 / (1 + Math.exp(-logit));
                sum += expected[i];
            }
            for (int i = 0; i < count && name.equals("clip"); i++) {
                expected[i] /= sum;
            }
            List<ImageTextModel.Scores> found = model.classify(List.of(picture, none), texts(), "{}");
            Reference.assertClose(expected, found.getFirst().scores(), 2e-3);
            assertNull(found.get(1).scores());
            assertTrue(found.get(1).error().contains("none.png"), found.get(1).error());
            assertThrows(IllegalArgumentException.class, () -> model.classify(List.of(picture), List.of("a"), "none"));
            try (Embeddings unit = model.texts().embed("a cat")) {
                assertEquals(1, unit.cosine(0, 0), 1e-6);
                double length = 0;
                for (float v : unit.toFloats(0)) {
                    length += v * v;
                }
                assertEquals(1, length, 1e-5);
            }
        }
    }

    private void copy(String name) throws IOException {
        try (Stream<Path> files = Files.list(Goldens.path("clip/" + name))) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
    }

    private void edit(String file, String place, String value) throws IOException {
        ObjectNode top = (ObjectNode) JSON.readTree(folder.resolve(file).toFile());
        ObjectNode node = top;
        List<String> parts = new ArrayList<>(List.of(place.split("/")));
        while (parts.size() > 1) {
            node = node.withObject(parts.removeFirst());
        }
        node.set(parts.getFirst(), JSON.readTree(value));
        Files.writeString(folder.resolve(file), top.toString());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"clip | text_config/hidden_act | \"gelu_10\" | text_config.hidden_act",
        "clip | text_config/num_hidden_layers | 1 | text_config.num_hidden_layers",
                "clip | text_config/num_attention_heads | 5 | a divisor",
        "clip | text_config/vocab_size | 699 | token_embedding", "clip | text_config/model_type | \"x\" | text_config.model_type",
        "clip | text_config/eos_token_id | [1] | text_config.eos_token_id",
                "clip | text_config/layer_norm_eps | -1 | text_config.layer_norm_eps",
        "clip | projection_dim | 21 | text_projection", "clip | vision_config/image_size | 35 | position_embedding",
        "clip | vision_config/patch_size | 29 | vision_config.patch_size",
                "clip | vision_config/image_size | [28, 21] | vision_config.image_size",
        "clip | vision_config/num_hidden_layers | 3 | vision_model.encoder.layers.2", "clip | text_config_dict | {} | token_embedding",
        "siglip | vision_config/vision_use_head | false | vision_config.vision_use_head",
        "siglip | text_config/projection_size | 23 | text_model.head", "siglip | model_type | \"siglip2\" | model_type siglip2"})
    void whatIsNotServedIsRefused(String name, String place, String value, String expected) throws IOException {
        copy(name);
        edit("config.json", place, value);
        String message = assertThrows(WeightException.class, () -> ImageTextModel.load(folder, RAW)).getMessage();
        assertTrue(message.contains(expected), message);
    }

    @Test
    void oldConfigsSayTwiceWhatTheTowersAre() throws IOException {
        copy("clip");
        ObjectNode top = (ObjectNode) JSON.readTree(folder.resolve("config.json").toFile());
        top.set("text_config_dict", top.get("text_config").deepCopy());
        ((ObjectNode) top.get("text_config")).put("num_hidden_layers", 1);
        Files.writeString(folder.resolve("config.json"), top.toString());
        try (EmbeddingModel model = EmbeddingModel.load(folder,
                RAW); Embeddings found = model.embed(texts()); Arena arena = Arena.ofShared()) {
            Reference.assertClose(Reference.widen(Goldens.floats(Goldens.open(arena, "clip/clip.safetensors"), "texts")),
                    found.vectors().toArray(java.lang.foreign.ValueLayout.JAVA_FLOAT), 1e-5);
        }
    }

    /** Weights, tokenizer and preprocessing lie in the module's folder; nothing is normalized. */
    @Test
    void foldersOfSentenceTransformersAreServed() throws IOException {
        Path module = Files.createDirectory(folder.resolve("0_CLIPModel"));
        try (Stream<Path> files = Files.list(Goldens.path("clip/clip"))) {
            for (Path file : files.toList()) {
                Files.copy(file, module.resolve(file.getFileName()));
            }
        }
        Files.writeString(folder.resolve("modules.json"),
                "[{\"idx\": 0, \"name\": \"0\", \"path\": \"0_CLIPModel\", \"type\": \"sentence_transformers.models.CLIPModel\"}]");
        try (ImageTextModel model = ImageTextModel.load(folder, EmbeddingOptions.defaults()); Embeddings found = model.texts()
                .embed(texts());
                Arena arena = Arena.ofShared()) {
            assertFalse(model.texts().normalizes());
            Reference.assertClose(Reference.widen(Goldens.floats(Goldens.open(arena, "clip/clip.safetensors"), "texts")),
                    found.vectors().toArray(java.lang.foreign.ValueLayout.JAVA_FLOAT), 1e-5);
        }
    }

    @Test
    void hiddenPaddingIsRefused() throws IOException {
        copy("siglip");
        edit("tokenizer_config.json", "model_input_names", "[\"input_ids\", \"attention_mask\"]");
        String message = assertThrows(WeightException.class, () -> EmbeddingModel.load(folder, RAW)).getMessage();
        assertTrue(message.contains("tokenizer_config.json: model_input_names"), message);
    }

    @Test
    void aTowerPoolsItself() {
        String message = assertThrows(WeightException.class,
                () -> EmbeddingModel.load(Goldens.path("clip/clip"), RAW.withPooling(Pooling.MEAN))).getMessage();
        assertTrue(message.contains("neither pooling nor windows"), message);
    }
}
