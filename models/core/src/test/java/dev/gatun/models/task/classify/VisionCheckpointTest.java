package dev.gatun.models.task.classify;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.family.cnn.TextbookCnnConfig;
import dev.gatun.models.family.resnet.ResNetConfig;
import dev.gatun.models.image.ImagePreprocessor;
import dev.gatun.models.image.Interpolation;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.vision.VisionSpec;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What config.json and labels say of a network of pictures. */
class VisionCheckpointTest {
    private static final ClassifierOptions ONE = ClassifierOptions.defaults().withThreads(1);
    private static final VisionSpec RESNET = ResNetConfig.named("resnet18").spec();

    @TempDir
    Path folder;

    private static JsonNode json(String text) {
        try {
            return text == null ? MissingNode.getInstance() : new ObjectMapper().readTree(text);
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    private static VisionCheckpoint checkpoint(String config) {
        return new VisionCheckpoint(Path.of("model"), json(config), null);
    }

    @Test
    void aThousandClassesAreImageNetsOnlyIfSomethingSaysSo() {
        for (String config : new String[] {null, "{\"architecture\": \"resnet50\"}",
            "{\"architecture\": \"resnet50\", \"num_classes\": 1000, \"pretrained_cfg\": {\"tag\": \"a1_in1k\"}}",
            "{\"architecture\": \"resnet50\", \"num_classes\": 1000, \"pretrained_cfg\": {\"hf_hub_id\": \"timm/resnet50.a1_in1k\"}}",
            "{\"architecture\": \"resnet50\", \"num_classes\": 1000, \"dataset\": \"ImageNet-1k\"}"}) {
            assertEquals("tench", checkpoint(config).labels(1000).getFirst(), config);
            assertEquals("class 0", checkpoint(config).labels(999).getFirst(), config);
        }
        for (String config : new String[] {"{\"architecture\": \"resnet50\", \"num_classes\": 1000}",
                "{\"architecture\": \"textbook-cnn\"}",
            "{\"architecture\": \"resnet50\", \"pretrained_cfg\": {\"tag\": \"in21k\"}}",
            "{\"architecture\": \"resnet50\", \"num_classes\": 1000, \"pretrained_cfg\": {\"hf_hub_id\": \"somebody/products\"}}"}) {
            assertEquals("class 0", checkpoint(config).labels(1000).getFirst(), config);
        }
    }

    @Test
    void labelsOfTheConfigAreTheModels() throws IOException {
        Files.copy(Goldens.path("cnn/textbook-small/model.safetensors"), folder.resolve("model.safetensors"));
        ObjectNode config = (ObjectNode) json(Files.readString(Goldens.path("cnn/textbook-small/config.json")));
        config.putArray("label_names").add("n1").add("n2").add("n3").add("n4");
        config.putObject("label_descriptions").put("n2", "a cat");
        Files.writeString(folder.resolve("config.json"), config.toString());
        try (ImageClassifier classifier = ImageClassifier.load(folder, ONE)) {
            assertEquals(List.of("n1", "a cat", "n3", "n4"), classifier.labels());
        }
        config.withArray("label_names").add("n5");
        Files.writeString(folder.resolve("config.json"), config.toString());
        assertTrue(refused().contains("config.json has 5 labels, the model 4 classes"));
        Files.write(folder.resolve("labels.txt"), "K\u00f6nig\n".getBytes(StandardCharsets.ISO_8859_1));
        assertTrue(refused().startsWith(folder.resolve("labels.txt") + ": line 1 is not valid UTF-8"));
    }

    @Test
    void preprocessingIsCheckedWhenTheModelIsLoaded() throws IOException {
        Files.copy(Goldens.path("cnn/textbook-small/model.safetensors"), folder.resolve("model.safetensors"));
        ObjectNode config = (ObjectNode) json(Files.readString(Goldens.path("cnn/textbook-small/config.json")));
        Files.writeString(folder.resolve("config.json"), config.put("crop_mode", "border").toString());
        assertTrue(refused().startsWith(folder.resolve("config.json") + ": crop_mode border"));
    }

    private String refused() {
        WeightException e = assertThrows(WeightException.class, () -> ImageClassifier.load(folder, ONE));
        assertTrue(e.getMessage().startsWith(folder.toString()), e.getMessage());
        return e.getMessage();
    }

    @Test
    void preprocessingIsTimms() {
        ImagePreprocessor timm = Preprocessing.of(json("{\"pretrained_cfg\": {\"interpolation\": \"bicubic\", \"crop_pct\": 0.95,"
                + " \"mean\": [0.5, 0.5, 0.5],"
                + " \"std\": null, \"crop_mode\": \"center\"}}"), RESNET);
        assertEquals(Interpolation.BICUBIC, timm.interpolation());
        assertEquals(235, timm.shortSide());
        assertArrayEquals(new float[] {0.5f, 0.5f, 0.5f}, timm.mean());
        assertArrayEquals(new float[] {0.229f, 0.224f, 0.225f}, timm.std());
        ImagePreprocessor squashed = Preprocessing.of(json("{\"crop_mode\": \"squash\", \"crop_pct\": 1.0, \"interpolation\":"
                + " \"lanczos\"}"), RESNET);
        assertEquals(0, squashed.shortSide());
        assertEquals(Interpolation.LANCZOS, squashed.interpolation());
        ImagePreprocessor usual = Preprocessing.of(MissingNode.getInstance(), RESNET);
        assertEquals(256, usual.shortSide());
        assertEquals(Interpolation.BILINEAR, usual.interpolation());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"{\"interpolation\": \"random\"} | interpolation random, expected [nearest, box, bilinear",
        "{\"crop_pct\": 0} | crop_pct 0", "{\"crop_pct\": 1.5} | crop_pct 1.5", "{\"crop_pct\": \"x\"} | crop_pct",
                "{\"mean\": [1, \"x\", 2]} | lists of numbers",
        "{\"crop_mode\": \"border\"} | crop_mode border", "{\"crop_mode\": \"squash\", \"crop_pct\": 0.9} | squash",
                "{\"mean\": [1]} | mean of 1"})
    void preprocessingThatIsNotServedIsRefused(String config, String expected) {
        String message = assertThrows(IllegalArgumentException.class, () -> Preprocessing.of(json(config), RESNET)).getMessage();
        assertTrue(message.contains(expected), message);
        // Other networks too, whatever they are.
        assertThrows(IllegalArgumentException.class, () -> Preprocessing.of(json(config.replace("\"mean\": [1]", "\"mean\": [1, 2]")),
                TextbookCnnConfig.DEFAULT.spec()));
    }

    private void quantize() throws IOException {
        Quantizer.quantize(null, List.of(Goldens.path("image/grey.png")), folder, QuantizeOptions.defaults());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"hidden_size | 1000000000 | fc1", "hidden_size | 7 | fc1", "num_classes | 11 | fc2",
            "input_height | 65536 | fc1", "input_width | 2147483647 | ", "input_height | 28 | fc1"})
    void configsThatContradictQuantizedTensorsAreRefused(String field, int value, String layer) throws IOException {
        quantize();
        Path file = folder.resolve("config.json");
        ObjectNode config = (ObjectNode) json(Files.readString(file));
        config.put(field, value);
        Files.writeString(file, config.toString());
        String message = refused();
        assertTrue(layer == null || message.contains("tensor " + layer + ".weight: expected ")
                && message.contains(", found"), message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"conv1.bias", "fc1.weight_scale", "fc1.bias", "conv2.output", "fc2.weight"})
    void quantizedTensorsOfOtherShapesAreRefused(String name) throws IOException {
        quantize();
        Path file = folder.resolve("model.safetensors");
        try (Arena arena = Arena.ofConfined()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            SafetensorsFile source = SafetensorsFile.open(file, arena);
            source.names().forEach(n -> tensors.put(n, source.tensor(n)));
            long[] dims = name.endsWith("output") ? new long[] {3} : name.endsWith("weight") ? new long[] {3, 4, 5}
                    : new long[] {1, tensors.get(name).shape().elementCount()};
            tensors.put(name, Tensor.allocate(arena, TensorDesc.of(DataType.F32, dims)));
            SafetensorsWriter.write(file, tensors, Map.of());
        }
        String message = refused();
        assertTrue(message.contains("tensor " + name + ": expected "), message);
    }

    @Test
    void layersThatAreMissingOrTooManyAreRefused() throws IOException {
        quantize();
        Path file = folder.resolve("model.safetensors");
        for (boolean extra : new boolean[] {false, true}) {
            try (Arena arena = Arena.ofConfined()) {
                Map<String, Tensor> tensors = new LinkedHashMap<>();
                SafetensorsFile source = SafetensorsFile.open(file, arena);
                source.names().forEach(n -> tensors.put(n, source.tensor(n)));
                if (extra) {
                    tensors.put("conv2.weight", tensors.get("saved"));
                    tensors.remove("saved");
                    tensors.put("fc3.weight", Tensor.allocate(arena, TensorDesc.of(DataType.F32, 2, 2)));
                } else {
                    tensors.put("saved", tensors.remove("conv2.weight"));
                }
                SafetensorsWriter.write(file, tensors, Map.of());
            }
            String message = refused();
            assertTrue(message.contains(extra ? "fc3.weight" : "has no tensor conv2.weight"), message);
        }
    }

    private void tensors(Map<String, long[]> shapes) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            shapes.forEach((name, dims) -> tensors.put(name, Tensor.allocate(arena, TensorDesc.of(DataType.F32, dims))));
            SafetensorsWriter.write(folder.resolve("model.safetensors"), tensors, Map.of());
        }
    }

    @Test
    void otherNetworksAreNotTakenForThese() throws IOException {
        tensors(Map.of("layer1.0.conv1.weight", new long[] {128, 64, 1, 1}, "layer1.0.conv2.weight", new long[] {128, 4, 3, 3}));
        assertTrue(refused().contains("a ResNeXt"));
        tensors(Map.of("layer1.0.conv1.weight", new long[] {128, 64, 1, 1}, "layer1.0.conv2.weight", new long[] {128, 128, 3, 3}));
        assertTrue(refused().contains("a wide or thin ResNet"));
        tensors(Map.of("vision_model.encoder.layers.0.mlp.fc2.weight", new long[] {4, 4}));
        assertTrue(refused().contains("neither a ResNet's nor the textbook CNN's"));
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"clip\", \"architectures\": [\"CLIPModel\"]}");
        String message = refused();
        assertTrue(message.contains("config.json says model_type \"clip\"") && !message.contains("names no architecture"), message);
    }

    @Test
    void inputSizesHaveLimits() throws IOException {
        tensors(Map.of("layer1.0.conv1.weight", new long[] {64, 64, 3, 3}, "fc.weight", new long[] {3, 512}, "conv1.weight",
                new long[] {64, 3, 7, 7}));
        for (String field : new String[] {"\"input_size\": 65536", "\"pretrained_cfg\": {\"input_size\": [3, 65536, 65536]}",
                "\"input_size\": \"x\"",
            "\"num_classes\": -1", "\"num_classes\": \"many\""}) {
            Files.writeString(folder.resolve("config.json"), "{\"architecture\": \"resnet18\", " + field + "}");
            String message = refused();
            assertTrue(message.startsWith(folder.resolve("config.json").toString()) && message.contains(", expected "), message);
        }
    }
}
