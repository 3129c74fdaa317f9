package dev.gatun.models.task.classify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.family.cnn.TextbookCnn;
import dev.gatun.models.family.cnn.TextbookCnnConfig;
import dev.gatun.models.family.resnet.ResNet;
import dev.gatun.models.image.ImagePreprocessor;
import dev.gatun.models.train.Augmentation;
import dev.gatun.models.train.Distortion;
import dev.gatun.models.train.Fit;
import dev.gatun.models.train.InitialWeights;
import dev.gatun.models.train.TrainingData;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Fits image classifiers: the textbook CNN from nothing, or the last layer of a trained network on its features. The result is a folder
 * that {@link ImageClassifier#load} takes. One thread; products use {@link Fit#threads}.
 */
public final class ImageTraining {
    private static final int CHUNK = 32;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Examples examples;
    private final Fit fit;
    private final Path output;
    private final Consumer<Fit.Progress> listener;

    /**
     * A training.
     *
     * @param output   folder that is made; files of a model in it are replaced
     * @param listener hears of each epoch
     */
    public ImageTraining(Examples examples, Fit fit, Path output, Consumer<Fit.Progress> listener) {
        this.examples = examples;
        this.fit = fit;
        this.output = output;
        this.listener = listener;
    }

    /**
     * Sizes of a textbook CNN.
     *
     * @param side      of its input, pixels
     * @param channels1 of the first convolution
     * @param channels2 of the second
     * @param hidden    of the first linear layer
     * @param distort   whether pictures are learnt from as they are, or turned, moved and scaled a little each time
     */
    public record Sizes(int side, int channels1, int channels2, int hidden, boolean distort) {
        /** What reads digits. */
        public static final Sizes SMALL = new Sizes(24, 16, 32, 64, true);
        private static final int MOST = 1024;

        /** Checks the ranges: examples are in memory all at once. */
        public Sizes {
            if (side < 1 || side > MOST || channels1 < 1 || channels1 > MOST || channels2 < 1 || channels2 > MOST || hidden < 1
                    || hidden > MOST) {
                throw new IllegalArgumentException("side " + side + ", channels " + channels1 + " and " + channels2 + ", hidden " + hidden
                        + ": expected 1 to " + MOST);
            }
        }
    }

    /**
     * Fits a textbook CNN.
     *
     * @throws IOException              if a file cannot be read or written
     * @throws IllegalArgumentException if sizes or examples do not do
     */
    public Fit.Progress cnn(Sizes sizes) throws IOException {
        TextbookCnnConfig config = new TextbookCnnConfig(examples.channels(), sizes.channels1(), sizes.channels2(), sizes.side(),
                sizes.side(), sizes.hidden(), examples.labels().size());
        Files.createDirectories(output);
        try (Arena arena = Arena.ofShared()) {
            int channels = config.inputChannels();
            Tensor pictures = examples.pictures(arena, new ImagePreprocessor(channels, sizes.side(), sizes.side(), 0, new float[channels],
                    filled(channels)));
            double[][] norm = normalize(pictures);
            InitialWeights start = new InitialWeights(arena, fit.seed()).layer("conv1", config.channels1(), channels, 3, 3)
                    .layer("conv2", config.channels2(), config.channels1(), 3, 3).layer("fc1", config.hiddenSize(), config.flatSize())
                    .layer("fc2", config.numClasses(), config.hiddenSize());
            Graph graph = joined(TextbookCnn.describe(WeightScope.of(start), config));
            Augmentation looks = sizes.distort() ? Distortion.small(channels, sizes.side(), sizes.side()) : Augmentation.NONE;
            ObjectNode json = JSON.createObjectNode().put("architecture", "textbook-cnn");
            json.putArray("channels").add(channels).add(config.channels1()).add(config.channels2());
            json.put("input_height", sizes.side()).put("input_width", sizes.side()).put("hidden_size", config.hiddenSize())
                    .put("num_classes", config.numClasses()).put("resize", "stretch");
            for (String each : List.of("mean", "std")) {
                for (double value : norm[each.equals("mean") ? 0 : 1]) {
                    json.withArray(each).add(value);
                }
            }
            return run(graph, new TrainingData(pictures, examples.targets(arena)), looks, json, Map.of());
        }
    }

    /**
     * Fits the last layer of a ResNet, whose other layers stay as they are.
     *
     * @param model a folder with a ResNet in f32
     * @throws IOException     if a file cannot be read or written
     * @throws WeightException if the model is another
     */
    public Fit.Progress head(Path model) throws IOException {
        VisionCheckpoint checkpoint = VisionCheckpoint.find(model);
        Files.createDirectories(output);
        try (Arena arena = Arena.ofShared();
                ImageClassifier classifier = ImageClassifier.load(model, new ClassifierOptions(fit.threads(), true))) {
            String name = classifier.model().spec().name();
            if (!name.startsWith("resnet") || classifier.precision().equals("int8")) {
                throw new WeightException(checkpoint.origin(), "is a " + name + " in " + classifier.precision()
                        + ", expected a ResNet in f32: the last layer of others is not trained");
            }
            int columns = classifier.model().spec().featureCount();
            Tensor features = features(arena, classifier, columns);
            WeightSource source = VisionCheckpoint.open(model, arena);
            boolean hub = name.equals(ResNet.HUB);
            String last = source.names().stream().filter(hub ? "classifier.1.weight"::equals : n -> ("." + n).endsWith(".fc.weight"))
                    .findFirst().orElseThrow().replaceAll("[.]weight$", "");
            WeightScope start = WeightScope.of(new InitialWeights(arena, fit.seed()).layer(last, examples.labels().size(), columns));
            GraphBuilder graph = new GraphBuilder(name + "." + last);
            graph.output("logits", graph.add(last, new Linear(start.part(last, columns, examples.labels().size())),
                    graph.input("features", Spec.of(DataType.F32, "n", columns))));
            Map<String, Tensor> kept = new LinkedHashMap<>();
            for (String tensor : source.names()) {
                if (!tensor.startsWith(last + ".") && !tensor.endsWith("num_batches_tracked")) {
                    kept.put(tensor, source.tensor(tensor));
                }
            }
            checkpoint.copyPreprocessing(output);
            return run(graph.build(), new TrainingData(features, examples.targets(arena)), Augmentation.NONE,
                    headConfig(checkpoint.config(), hub ? null : name), kept);
        }
    }

    /** @param architecture null if the config names it by its {@code model_type} */
    private ObjectNode headConfig(JsonNode config, String architecture) {
        ObjectNode json = config.isObject() ? config.deepCopy() : JSON.createObjectNode();
        json.remove(List.of("id2label", "label2id", "label_names", "label_descriptions"));
        if (architecture != null) {
            return json.put("architecture", architecture).put("num_classes", examples.labels().size());
        }
        ObjectNode names = json.putObject("id2label");
        ObjectNode numbers = json.putObject("label2id");
        for (int i = 0; i < examples.labels().size(); i++) {
            names.put(Integer.toString(i), examples.labels().get(i));
            numbers.put(examples.labels().get(i), i);
        }
        return json;
    }

    private Tensor features(Arena arena, ImageClassifier classifier, int columns) throws IOException {
        Tensor features = Tensor.allocate(arena, TensorDesc.of(DataType.F32, examples.count(), columns));
        ImagePreprocessor preprocessor = classifier.preprocessor();
        long bytes = preprocessor.elementCount() * Float.BYTES;
        try (Arena pictures = Arena.ofShared()) {
            MemorySegment some = pictures.allocate(CHUNK * bytes, Tensor.ALIGNMENT);
            for (int first = 0; first < examples.count(); first += CHUNK) {
                int count = Math.min(CHUNK, examples.count() - first);
                for (int i = 0; i < count; i++) {
                    examples.picture(first + i, preprocessor, some.asSlice(i * bytes, bytes));
                }
                classifier.forward(some, count, MemorySegment.NULL, features.segment().asSlice((long) first * columns * Float.BYTES));
            }
        }
        return features;
    }

    private Fit.Progress run(Graph graph, TrainingData data, Augmentation looks, ObjectNode config, Map<String, Tensor> kept)
            throws IOException {
        return fit.run(graph, data, looks, output, listener, (parameters, metadata) -> {
            Map<String, Tensor> tensors = new LinkedHashMap<>(kept);
            tensors.putAll(parameters);
            SafetensorsWriter.write(output.resolve(Fit.MODEL), tensors, metadata);
            Files.writeString(output.resolve("config.json"), JSON.writerWithDefaultPrettyPrinter().writeValueAsString(config) + "\n");
            Files.write(output.resolve("labels.txt"), examples.labels());
        });
    }

    private static float[] filled(int count) {
        float[] ones = new float[count];
        Arrays.fill(ones, 1);
        return ones;
    }

    /** Subtracts each channel's mean and divides by its deviation, both rounded to what config.json says. */
    private static double[][] normalize(Tensor pictures) {
        int channels = (int) pictures.shape().dim(1);
        long plane = pictures.shape().dim(2) * pictures.shape().dim(3);
        long count = pictures.shape().dim(0);
        double[][] norm = new double[2][channels];
        for (int c = 0; c < channels; c++) {
            double sum = 0;
            double squares = 0;
            for (long n = 0; n < count; n++) {
                for (long i = 0; i < plane; i++) {
                    float x = pictures.getFloat((n * channels + c) * plane + i);
                    sum += x;
                    squares += (double) x * x;
                }
            }
            double mean = sum / (count * plane);
            norm[0][c] = Math.round(mean * 1e4) / 1e4;
            norm[1][c] = Math.max(1e-2, Math.round(Math.sqrt(Math.max(0, squares / (count * plane) - mean * mean)) * 1e4) / 1e4);
            for (long n = 0; n < count; n++) {
                for (long i = (n * channels + c) * plane; i < (n * channels + c + 1) * plane; i++) {
                    pictures.setFloat(i, (pictures.getFloat(i) - (float) norm[0][c]) / (float) norm[1][c]);
                }
            }
        }
        return norm;
    }

    /** Trunk and head in one graph. */
    private static Graph joined(VisionNetwork network) {
        GraphBuilder graph = new GraphBuilder(network.spec().name());
        Map<Port, Port> ports = new LinkedHashMap<>();
        Graph.Source pictures = network.trunk().inputs().get(VisionNetwork.PICTURES);
        ports.put(pictures.port(), graph.input(VisionNetwork.PICTURES, pictures.spec()));
        copy(network.trunk(), graph, ports);
        Port rows = ports.get(network.trunk().outputs().get(VisionNetwork.ROWS));
        ports.clear();
        ports.put(network.head().inputs().get(VisionNetwork.ROWS).port(), rows);
        copy(network.head(), graph, ports);
        graph.output(VisionNetwork.LOGITS, ports.get(network.head().outputs().get(VisionNetwork.LOGITS)));
        return graph.build();
    }

    private static void copy(Graph from, GraphBuilder to, Map<Port, Port> ports) {
        from.nodes().forEach(node -> {
            List<Port> results = to.addAll(node.name(), node.layer(),
                    node.operands().stream().map(ports::get).toArray(Port[]::new));
            for (int i = 0; i < results.size(); i++) {
                ports.put(node.results().get(i), results.get(i));
            }
        });
    }
}
