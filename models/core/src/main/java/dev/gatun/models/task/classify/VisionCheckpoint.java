package dev.gatun.models.task.classify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.CheckedWeights;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.Clip;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.Uses;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.family.cnn.TextbookCnn;
import dev.gatun.models.family.cnn.TextbookCnnConfig;
import dev.gatun.models.family.onnx.OnnxPictures;
import dev.gatun.models.family.resnet.ResNet;
import dev.gatun.models.family.resnet.ResNetConfig;
import dev.gatun.models.family.vit.Vit;
import dev.gatun.models.image.ImagePreprocessor;
import dev.gatun.models.vision.HubPreprocessing;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.vision.VisionSpec;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.graph.pass.Quantize;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The files of an image model: {@code model.safetensors} (or its index), perhaps {@code config.json} with the
 * {@code architecture}, perhaps {@code labels.txt} or labels in config.json. Without config.json the architecture follows from the tensors.
 *
 * @param origin names it in messages
 * @param config config.json, or a missing node
 * @param labels one for each class, or null for what the number of classes suggests
 */
record VisionCheckpoint(Path origin, JsonNode config, List<String> labels) {
    private static final String RESOURCES = "/dev/gatun/models/";
    private static final int STEM = 64;
    private static final int LARGEST_INPUT = 4096;
    private static final int IMAGENET_CLASSES = 1000;
    private static final int HUB_SIDE = 384;
    private static final String PREPROCESSING = "preprocessor_config.json";
    private static final Pattern IMAGENET = Pattern.compile("(?i)(^|[^a-z0-9])(in1k|imagenet(-?1k)?|ilsvrc(-?2012)?)($|[^a-z0-9])");
    private static final String[] PREFIXES = ResNet.PREFIXES.toArray(String[]::new);

    /** Finds config and labels of a folder, or of a safetensors file in one. */
    static VisionCheckpoint find(Path model) {
        Checkpoint files = Checkpoint.open(model);
        return new VisionCheckpoint(files.origin(), files.config(), files.labels());
    }

    /** The reader of handwritten digits that comes with Gatun. */
    static VisionCheckpoint digits() {
        Path origin = Path.of("digits");
        try {
            return new VisionCheckpoint(origin, new ObjectMapper().readTree(resource("digits/config.json")), lines("digits/labels.txt"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Opens a folder's weights. */
    static WeightSource open(Path model, Arena arena) {
        return Checkpoint.open(model).source(arena);
    }

    /** Opens the digits' weights. */
    static WeightSource openDigits(Arena arena) {
        return safetensors("digits/model.safetensors", arena);
    }

    /** Digits to learn from: pixels U8 [1797, 32], two to a byte, and labels. */
    static SafetensorsFile digitExamples(Arena arena) {
        return safetensors("digits/examples.safetensors", arena);
    }

    private static SafetensorsFile safetensors(String name, Arena arena) {
        byte[] bytes = resource(name);
        MemorySegment segment = arena.allocate(bytes.length, 64);
        segment.copyFrom(MemorySegment.ofArray(bytes));
        return SafetensorsFile.parse(Path.of("digits"), segment, arena);
    }

    /**
     * What a checkpoint holds.
     *
     * @param network as it is computed
     * @param int8    what is known of each layer of a quantized checkpoint; empty of an F32 checkpoint
     */
    record Architecture(VisionNetwork network, Map<String, Quantize.Parameters> int8) {

        boolean quantized() {
            return !int8.isEmpty();
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
        try (Arena temporary = Arena.ofShared()) {
            Architecture architecture = architecture(weights, temporary);
            model = VisionModel.load(architecture.network);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new WeightException(origin, e.getMessage(), e);
        }
        try {
            weights.requireAllUsed(model.spec().name());
            return checked(model);
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /** A model whose classes have as many labels, and whose pictures can be prepared; closed if not. */
    VisionModel checked(VisionModel model) {
        try {
            requirePreprocessing(model.spec());
            if (labels != null && labels.size() != model.spec().classCount()) {
                throw new WeightException(origin, (Files.exists(origin.resolve("labels.txt")) ? "labels.txt has " + labels.size() + " lines"
                        : "config.json has " + labels.size() + " labels") + ", the model "
                        + model.spec().classCount() + " classes");
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
     * @param temporary owns weights that passes make, which must live until the network is loaded
     */
    Architecture architecture(CheckedWeights weights, Arena temporary) {
        String name = config.path("architecture").asText("");
        if (name.isEmpty() && isVit()) {
            return new Architecture(Vit.describe(fields(), weights, temporary), Map.of());
        }
        boolean quantized = config.has(QuantizedFile.CONFIG_KEY);
        if (isHubResNet() && has(weights, ResNet.HUB_TENSOR)) {
            VisionNetwork network = ResNet.describe(hubFields(), weights, HubPreprocessing.inputSize(folder(), HUB_SIDE));
            return quantized ? QuantizedFile.read(WeightScope.of(weights), network, temporary) : new Architecture(network, Map.of());
        }
        boolean unnamed = name.isEmpty() && (isHubResNet() || !config.has("model_type") && !config.has("architectures"));
        boolean resNet = name.startsWith("resnet") || unnamed && has(weights, "layer1.0.conv1.weight");
        if (resNet) {
            WeightScope scope = WeightScope.locate(weights, "layer1.0.conv1.weight", PREFIXES);
            requirePlain(scope);
            if (isHubResNet()) {
                ConfigFields hub = hubFields();
                hub.require("hidden_act", "relu");
                hub.require("downsample_in_first_stage", false);
                hub.require("downsample_in_bottleneck", false);
            }
            ResNetConfig found = name.isEmpty() ? ResNetConfig.recognize(scope) : ResNetConfig.named(name);
            int classes = fields().integer("num_classes", 1, Integer.MAX_VALUE, (int) scope.child("fc").shape("weight").dim(0));
            ResNetConfig sizes = found.with((int) scope.child("conv1").shape("weight").dim(1), inputSize(), classes);
            VisionNetwork network = ResNet.describe(scope, sizes);
            return quantized ? QuantizedFile.read(scope, network, temporary) : new Architecture(network, Map.of());
        }
        if (name.equals("textbook-cnn") || unnamed && has(weights, "fc2.weight") && has(weights, "conv2.weight")) {
            TextbookCnnConfig sizes = config.isMissingNode() ? TextbookCnnConfig.DEFAULT : TextbookCnnConfig.fromJson(config);
            WeightScope scope = WeightScope.locate(weights, "fc2.weight", PREFIXES);
            VisionNetwork network = TextbookCnn.describe(scope, sizes);
            return quantized ? QuantizedFile.read(scope, network, temporary) : new Architecture(network, Map.of());
        }
        String words = String.join(", ", Stream.of("model_type", "architectures").filter(config::has)
                .map(field -> field + " " + config.get(field)).toList());
        if (List.of("clip", "siglip").contains(config.path("model_type").asText(""))) {
            throw new IllegalArgumentException("config.json says " + Clip.text(words) + ", which has no classes of its own: name labels "
                    + "(ImageTextModel, gatun classify --labels)");
        }
        throw new IllegalArgumentException(!words.isEmpty() && name.isEmpty()
                ? "config.json says " + Clip.text(words) + ", expected model_type vit, deit or resnet, or architecture"
                + " textbook-cnn or a resnet by torchvision's or timm's names"
                + Uses.hint(said()) : name.isEmpty()
                ? "its tensors are neither a ResNet's nor the textbook CNN's, and config.json names no architecture"
                : "architecture " + Clip.text(name) + ", expected textbook-cnn, resnet18, resnet34, resnet50, resnet101 or resnet152"
                        + Uses.hint(List.of(name)));
    }

    private List<String> said() {
        List<String> all = new ArrayList<>();
        config.path("architectures").forEach(node -> all.add(node.asText()));
        return all;
    }

    /** Refuses a config whose preprocessing cannot be done; networks of other channels than a picture's have none. */
    private void requirePreprocessing(VisionSpec network) {
        if (network.channels() != 1 && network.channels() != 3) {
            return;
        }
        try {
            preprocessing(network);
        } catch (WeightException e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw new WeightException(fields().file(), e.getMessage(), e);
        }
    }

    private boolean isVit() {
        return Vit.MODEL_TYPES.contains(config.path("model_type").asText(""));
    }

    private boolean isHubResNet() {
        return config.path("model_type").asText("").equals(ResNet.HUB);
    }

    private ConfigFields hubFields() {
        ConfigFields fields = fields();
        if (!said().isEmpty() && !said().contains("ResNetForImageClassification")) {
            throw fields.error("architectures", "ResNetForImageClassification");
        }
        return fields;
    }

    private Path folder() {
        return fields().file().toAbsolutePath().getParent();
    }

    /**
     * How pictures become inputs.
     *
     * @throws WeightException          if a ViT's folder, or one of Hugging Face's ResNet, has no preprocessor_config.json,
     *                                  or one that is not served
     * @throws IllegalArgumentException if another network's config is not served
     */
    ImagePreprocessor preprocessing(VisionSpec network) {
        boolean chosen = isHubResNet() || network.name().equals(OnnxPictures.NAME);
        return isVit() || network.name().equals(ResNet.HUB)
                || chosen && Files.isRegularFile(folder().resolve(PREPROCESSING))
                ? HubPreprocessing.of(folder(), network) : Preprocessing.of(config, network);
    }

    /** Puts preprocessor_config.json, if there is one, beside what is made of this model. */
    void copyPreprocessing(Path output) throws IOException {
        Path file = folder().resolve(PREPROCESSING);
        Path copy = output.resolve(PREPROCESSING);
        if (Files.isRegularFile(file) && !(Files.exists(copy) && Files.isSameFile(file, copy))) {
            Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static boolean has(CheckedWeights weights, String tensor) {
        return weights.names().stream().anyMatch(n -> n.equals(tensor) || n.endsWith("." + tensor));
    }

    /** Refuses networks that have a ResNet's names and other convolutions. */
    private static void requirePlain(WeightScope scope) {
        WeightScope conv = scope.child("layer1").child(0).child("conv2");
        if (!conv.has("weight")) {
            return;
        }
        Shape shape = conv.shape("weight");
        if (shape.rank() == 4 && shape.dim(0) > 0 && shape.dim(0) != shape.dim(1)) {
            throw new IllegalArgumentException("layer1.0.conv2.weight is " + shape
                    + ": a ResNeXt, whose convolutions are in groups, expected a plain ResNet");
        }
        if (shape.rank() == 4 && shape.dim(0) != STEM) {
            throw new IllegalArgumentException("layer1.0.conv2.weight is " + shape + ": a wide or thin ResNet, expected " + STEM
                    + " channels");
        }
    }

    ConfigFields fields() {
        return ConfigFields.of(Files.isDirectory(origin) ? origin.resolve("config.json") : origin.resolveSibling("config.json"), config);
    }

    private int inputSize() {
        int[] size = fields().object("pretrained_cfg").integers("input_size", 1, LARGEST_INPUT);
        if (size != null && size.length == 3) {
            return size[2];
        }
        return config.path("input_size").isArray() ? 224 : fields().integer("input_size", 32, LARGEST_INPUT, 224);
    }

    /**
     * Labels of the classes: those that the checkpoint has, else ImageNet's if it is {@linkplain #isImageNet ImageNet's}, else numbers.
     */
    List<String> labels(int classes) {
        if (labels != null) {
            return labels;
        }
        if (classes == IMAGENET_CLASSES && isImageNet()) {
            return lines("imagenet_classes.txt");
        }
        return java.util.stream.IntStream.range(0, classes).mapToObj(i -> "class " + i).toList();
    }

    /**
     * Whether 1,000 classes without labels are ImageNet's: of a ResNet without config.json, as torchvision gives it away; of one whose
     * config.json names the architecture only, whose usual classes they are; or whose tag, data set or hub's name says so. Whoever says
     * {@code num_classes} and not of what has trained a network of his own.
     */
    private boolean isImageNet() {
        JsonNode pretrained = config.path("pretrained_cfg");
        for (String text : List.of(pretrained.path("tag").asText(""), pretrained.path("hf_hub_id").asText(""),
                pretrained.path("dataset").asText(""), config.path("dataset").asText(""))) {
            if (IMAGENET.matcher(text).find()) {
                return true;
            }
        }
        String name = config.path("architecture").asText("");
        return config.isMissingNode() || name.startsWith("resnet") && !config.has("num_classes") && pretrained.isMissingNode();
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
