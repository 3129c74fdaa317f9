package dev.gatun.models.task.classify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.gatun.models.family.cnn.TextbookCnn;
import dev.gatun.models.family.cnn.TextbookCnnConfig;
import dev.gatun.models.family.resnet.ResNet;
import dev.gatun.models.family.resnet.ResNetConfig;
import dev.gatun.models.vision.CheckedWeights;
import dev.gatun.models.vision.FloatLayers;
import dev.gatun.models.vision.Int8Layers;
import dev.gatun.models.vision.LayerWeights;
import dev.gatun.models.vision.NamedLayers;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.ShardedSafetensors;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The files of an image model: {@code model.safetensors} (or its index), perhaps {@code config.json} with the
 * {@code architecture}, perhaps {@code labels.txt}. Without config.json the architecture follows from the tensors.
 *
 * @param origin names it in messages
 * @param config config.json, or a missing node
 * @param labels one for each class, or null for what the number of classes suggests
 */
record VisionCheckpoint(Path origin, JsonNode config, List<String> labels) {
    private static final String RESOURCES = "/dev/gatun/models/";
    private static final String[] PREFIXES = ResNet.PREFIXES.toArray(String[]::new);

    /** Finds config and labels of a folder, or of a safetensors file in one. */
    static VisionCheckpoint find(Path model) {
        Path folder = Files.isRegularFile(model) ? model.toAbsolutePath().getParent() : model;
        if (!Files.isDirectory(folder)) {
            throw new WeightException(model, "does not exist; expected a model's folder or a safetensors file");
        }
        Path config = folder.resolve("config.json");
        Path labels = folder.resolve("labels.txt");
        try {
            return new VisionCheckpoint(model,
                    Files.exists(config) ? parse(config, Files.readAllBytes(config)) : MissingNode.getInstance(),
                    Files.exists(labels) ? Files.readAllLines(labels) : null);
        } catch (IOException e) {
            throw new WeightException(folder, "cannot be read: " + e.getMessage(), e);
        }
    }

    /** The reader of handwritten digits that comes with Gatun. */
    static VisionCheckpoint digits() {
        Path origin = Path.of("digits");
        return new VisionCheckpoint(origin, parse(origin, resource("digits/config.json")), lines("digits/labels.txt"));
    }

    /** Opens a folder's weights. */
    static WeightSource open(Path model, Arena arena) {
        if (Files.isRegularFile(model)) {
            return SafetensorsFile.open(model, arena);
        }
        if (Files.exists(model.resolve("model.safetensors"))) {
            return SafetensorsFile.open(model.resolve("model.safetensors"), arena);
        }
        if (Files.exists(model.resolve("model.safetensors.index.json"))) {
            return ShardedSafetensors.open(model.resolve("model.safetensors.index.json"), arena);
        }
        throw new WeightException(model, "has neither model.safetensors nor model.safetensors.index.json");
    }

    /** Opens the digits' weights. */
    static WeightSource openDigits(Arena arena) {
        byte[] bytes = resource("digits/model.safetensors");
        MemorySegment segment = arena.allocate(bytes.length, 64);
        segment.copyFrom(MemorySegment.ofArray(bytes));
        return SafetensorsFile.parse(Path.of("digits"), segment, arena);
    }

    /**
     * What a checkpoint holds: its layers, and the network that connects them.
     *
     * @param layers  F32 layers; of a quantized checkpoint those that were kept in F32
     * @param int8    quantized layers; empty of an F32 checkpoint
     * @param network makes the network over weights in some arithmetic
     */
    record Architecture(NamedLayers layers, Map<String, Int8Layers.Source> int8, Function<LayerWeights, VisionNetwork> network) {

        boolean quantized() {
            return !int8.isEmpty();
        }

        LayerWeights pack(Arena arena) {
            return quantized() ? new Int8Layers(int8, layers, arena) : new FloatLayers(layers, arena);
        }
    }

    /**
     * Builds the network that config and tensors describe.
     *
     * @throws WeightException if a tensor is missing, too many, of another shape or, on request, not finite
     */
    VisionModel load(WeightSource source, boolean checkWeights) {
        CheckedWeights weights = new CheckedWeights(source, checkWeights);
        VisionModel model;
        try (Arena folded = Arena.ofShared()) {
            Architecture architecture = architecture(weights, folded);
            model = VisionModel.load(arena -> architecture.network.apply(architecture.pack(arena)));
        } catch (IllegalArgumentException e) {
            throw new WeightException(origin, e.getMessage(), e);
        }
        try {
            weights.requireAllUsed(model.network().name());
            if (labels != null && labels.size() != model.network().classCount()) {
                throw new WeightException(origin, "labels.txt has " + labels.size() + " lines, the model "
                        + model.network().classCount() + " classes");
            }
            return model;
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /**
     * Finds the architecture and its layers.
     *
     * @param folded arena of folded weights, which must live until the first plan is compiled
     */
    Architecture architecture(CheckedWeights weights, Arena folded) {
        String name = config.path("architecture").asText("");
        boolean quantized = config.has(QuantizedFile.CONFIG_KEY);
        boolean resNet = name.startsWith("resnet")
                || name.isEmpty() && weights.names().stream().anyMatch(n -> n.endsWith("layer1.0.conv1.weight"));
        if (resNet) {
            WeightScope scope = WeightScope.locate(weights, "layer1.0.conv1.weight", PREFIXES);
            ResNetConfig found = name.isEmpty() ? ResNetConfig.recognize(scope) : ResNetConfig.named(name);
            int classes = config.path("num_classes").asInt((int) scope.child("fc").shape("weight").dim(0));
            ResNetConfig sizes = found.with((int) scope.child("conv1").shape("weight").dim(1), inputSize(), classes);
            Function<LayerWeights, VisionNetwork> network = layers -> new ResNet(sizes, layers);
            return quantized ? QuantizedFile.read(weights, network)
                    : new Architecture(ResNet.layers(scope, sizes, folded), Map.of(), network);
        }
        if (name.equals("textbook-cnn") || name.isEmpty() && weights.names().stream().anyMatch(n -> n.endsWith("fc2.weight"))) {
            TextbookCnnConfig sizes = config.isMissingNode() ? TextbookCnnConfig.DEFAULT : TextbookCnnConfig.fromJson(config);
            Function<LayerWeights, VisionNetwork> network = layers -> new TextbookCnn(sizes, layers);
            return quantized ? QuantizedFile.read(weights, network) : new Architecture(
                    TextbookCnn.layers(WeightScope.locate(weights, "fc2.weight", PREFIXES), sizes), Map.of(), network);
        }
        throw new IllegalArgumentException(name.isEmpty()
                ? "its tensors are neither a ResNet's nor the textbook CNN's, and config.json names no architecture"
                : "architecture " + name + ", expected textbook-cnn, resnet18, resnet34, resnet50, resnet101 or resnet152");
    }

    private int inputSize() {
        JsonNode size = config.path("pretrained_cfg").path("input_size");
        return size.isArray() && size.size() == 3 ? size.get(2).asInt() : config.path("input_size").asInt(224);
    }

    /** Labels of the classes. */
    List<String> labels(int classes) {
        if (labels != null) {
            return labels;
        }
        if (classes == 1000) {
            return lines("imagenet_classes.txt");
        }
        return java.util.stream.IntStream.range(0, classes).mapToObj(i -> "class " + i).toList();
    }

    private static JsonNode parse(Path file, byte[] bytes) {
        try {
            JsonNode json = new ObjectMapper().readTree(bytes);
            if (!json.isObject()) {
                throw new WeightException(file, "is not a JSON object");
            }
            return json;
        } catch (IOException e) {
            throw new WeightException(file, "is not valid JSON: " + e.getMessage(), e);
        }
    }

    private static List<String> lines(String name) {
        return new String(resource(name), StandardCharsets.UTF_8).lines().toList();
    }

    private static byte[] resource(String name) {
        try (InputStream in = VisionCheckpoint.class.getResourceAsStream(RESOURCES + name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
