package dev.gatun.models.task.text;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.CheckedWeights;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.encode.BertNames;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.io.Csv;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.tokenize.TextTokenizer;
import dev.gatun.models.train.Augmentation;
import dev.gatun.models.train.Fit;
import dev.gatun.models.train.InitialWeights;
import dev.gatun.models.train.TrainingData;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.EltwiseOp;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * Fits a head that classifies texts on an encoder, whose layers stay as they are or are trained with it: the dense layer and the class
 * scores that transformers' {@code ForSequenceClassification} of the family has, on the row of each text's first token. The result is a
 * folder that {@link TextClassifier#load} and transformers take.
 */
public final class TextTraining {
    private static final int LEAST_CLASSES = 2;
    private static final Set<String> PARTS = Set.of("embeddings", "embeddings_project", "encoder", "transformer", "pooler");
    private static final Set<String> FLOATS = Set.of("F32", "F16", "BF16", "F64");
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Where transformers keeps encoder and head, by model_type. */
    private record Layout(String architecture, String base, String dense, Activation activation, String scores) {
    }

    private static final Map<String, Layout> LAYOUTS = Map.of(
            "bert", new Layout("Bert", "bert", "bert.pooler.dense", Activation.TANH, "classifier"),
            "albert", new Layout("Albert", "albert", "albert.pooler", Activation.TANH, "classifier"),
            "distilbert", new Layout("DistilBert", "distilbert", "pre_classifier", Activation.RELU, "classifier"),
            "roberta", new Layout("Roberta", "roberta", "classifier.dense", Activation.TANH, "classifier.out_proj"),
            "xlm-roberta", new Layout("XLMRoberta", "roberta", "classifier.dense", Activation.TANH, "classifier.out_proj"),
            "camembert", new Layout("Camembert", "roberta", "classifier.dense", Activation.TANH, "classifier.out_proj"),
            "electra", new Layout("Electra", "electra", "classifier.dense", Activation.GELU_ERF, "classifier.out_proj"),
            "mpnet", new Layout("MPNet", "mpnet", "classifier.dense", Activation.TANH, "classifier.out_proj"));

    private final List<String[]> examples;
    private final List<String> labels;
    private final Fit fit;
    private final Path output;
    private final Consumer<Fit.Progress> listener;

    /**
     * A training.
     *
     * @param examples text and label of each
     * @param output   folder that is made; files of a model in it are replaced
     * @param listener hears of each epoch
     * @throws IllegalArgumentException if there are fewer than two labels, or one is empty
     */
    public TextTraining(List<String[]> examples, Fit fit, Path output, Consumer<Fit.Progress> listener) {
        this.examples = List.copyOf(examples);
        this.fit = fit;
        this.output = output;
        this.listener = listener;
        TreeSet<String> all = new TreeSet<>();
        examples.forEach(example -> all.add(example[1]));
        this.labels = List.copyOf(all);
        if (labels.size() < LEAST_CLASSES || labels.contains("")) {
            throw new IllegalArgumentException(examples.size() + " examples have the labels " + labels.stream().limit(5).toList()
                    + ", expected two or more, none of them empty");
        }
    }

    /**
     * Reads examples.
     *
     * @param csv   whose first line names its columns
     * @param text  name of the column of the texts
     * @param label name of the column of the labels
     * @throws IOException that names file and line
     */
    public static List<String[]> read(Path csv, String text, String label) throws IOException {
        return Csv.columns(csv, text, label);
    }

    /**
     * Trains the head.
     *
     * @param model a Hugging Face folder in safetensors of BERT, ALBERT, DistilBERT, RoBERTa, XLM-RoBERTa, CamemBERT, ELECTRA or MPNet
     * @throws IOException     if a file cannot be written
     * @throws WeightException if the model is another, or damaged
     */
    public Fit.Progress run(Path model) throws IOException {
        return run(model, false);
    }

    /**
     * Trains the head, and on request the encoder with it, without dropout.
     *
     * @param thaw whether the encoder's layers are trained too
     */
    public Fit.Progress run(Path model, boolean thaw) throws IOException {
        Checkpoint checkpoint = Checkpoint.open(model);
        String type = checkpoint.modelType().isEmpty() ? Encoders.family(checkpoint).name() : checkpoint.modelType();
        Layout layout = LAYOUTS.get(type);
        if (layout == null || checkpoint.format().equals("onnx")) {
            throw new WeightException(checkpoint.origin(), "is a " + type + " as " + checkpoint.format() + ", expected safetensors of one "
                    + "of " + new TreeSet<>(LAYOUTS.keySet()));
        }
        Files.createDirectories(output);
        try (Arena arena = Arena.ofShared()) {
            WeightSource source = checkpoint.source(arena);
            Map<String, Tensor> kept = kept(source, layout);
            int[] classes = examples.stream().mapToInt(example -> labels.indexOf(example[1])).toArray();
            Tensor targets = Tensor.ofInts(arena, classes, classes.length);
            if (thaw) {
                ThawedEncoder thawed = thawed(arena, checkpoint, source, targets);
                GraphBuilder graph = new GraphBuilder("text classifier");
                Port[] hidden = thawed.add(graph);
                Graph whole = head(graph, graph.add("pool", Pooling.CLS.op(false, fit.batch()), hidden), arena, layout, kept);
                return fit.run(whole, thawed, output, listener, (parameters, metadata) -> {
                    Map<String, Tensor> named = new LinkedHashMap<>();
                    parameters.forEach((name, tensor) -> named.put(name.startsWith(layout.dense) || name.startsWith(layout.scores) ? name
                            : renamed(name, prefix(source), layout), tensor));
                    write(checkpoint, type, layout, merged(kept, named), metadata);
                });
            }
            Tensor features = features(arena, checkpoint);
            GraphBuilder graph = new GraphBuilder("head");
            long columns = features.shape().dim(1);
            Graph head = head(graph, graph.input("rows", Spec.of(DataType.F32, "n", columns)), arena, layout, kept);
            return fit.run(head, new TrainingData(features, targets), Augmentation.NONE, output, listener, (parameters, metadata) ->
                    write(checkpoint, type, layout, merged(kept, parameters), metadata));
        }
    }

    private static Map<String, Tensor> merged(Map<String, Tensor> kept, Map<String, Tensor> trained) {
        Map<String, Tensor> all = new LinkedHashMap<>(kept);
        all.putAll(trained);
        return all;
    }

    /** What stands before the encoder's names. */
    private static String prefix(WeightSource source) {
        String first = source.names().stream().filter(name -> name.endsWith(BertNames.FIRST)).findFirst().orElseThrow();
        return first.substring(0, first.length() - BertNames.FIRST.length());
    }

    private static String renamed(String name, String prefix, Layout layout) {
        return layout.base + "." + name.substring(prefix.length()).replace("LayerNorm.gamma", "LayerNorm.weight")
                .replace("LayerNorm.beta", "LayerNorm.bias");
    }

    /** The encoder's tensors under transformers' names; those of heads are left out. */
    private static Map<String, Tensor> kept(WeightSource source, Layout layout) {
        String prefix = prefix(source);
        Map<String, Tensor> kept = new LinkedHashMap<>();
        for (String name : source.names()) {
            String rest = name.startsWith(prefix) ? name.substring(prefix.length()) : "";
            if (PARTS.contains(rest.split("\\.")[0]) && FLOATS.contains(source.entry(name).type())) {
                kept.put(renamed(name, prefix, layout), source.tensor(name));
            }
        }
        return kept;
    }

    private ThawedEncoder thawed(Arena arena, Checkpoint checkpoint, WeightSource source, Tensor targets) {
        TextEncoder encoder = Encoders.family(checkpoint).describe(checkpoint, new CheckedWeights(source, true));
        List<TextTokenizer.Tokens> texts;
        try (TextTokenizer tokenizer = TextTokenizer.load(checkpoint.folder(), new TextTokenizer.Limit(encoder.spec().maxLength(), true))) {
            texts = examples.stream().map(example -> tokenizer.encode(example[0])).toList();
        }
        return new ThawedEncoder(arena, encoder, texts, targets, fit.batch());
    }

    /** The first token's row of each text. */
    private Tensor features(Arena arena, Checkpoint checkpoint) {
        try (TextModel encoder = TextModel.of("the encoder", checkpoint, () -> Encoders.family(checkpoint).load(checkpoint,
                Head.pooled(Pooling.CLS, false)), TextOptions.defaults().withThreads(fit.threads()))) {
            List<float[]> rows = encoder.run(examples, new TextClassifier.Logits<>(example -> example[0].length(),
                    example -> encoder.tokenizer().encode(example[0]), row -> row));
            int columns = rows.getFirst().length;
            Tensor features = Tensor.allocate(arena, TensorDesc.of(DataType.F32, rows.size(), columns));
            for (int i = 0; i < rows.size(); i++) {
                MemorySegment.copy(rows.get(i), 0, features.segment(), ValueLayout.JAVA_FLOAT, (long) i * columns * Float.BYTES, columns);
            }
            return features;
        }
    }

    /** Adds the head to rows; what was trained with the encoder of it is where training begins. */
    private Graph head(GraphBuilder graph, Port rows, Arena arena, Layout layout, Map<String, Tensor> kept) {
        long columns = graph.desc(rows).shape().dim(1);
        InitialWeights start = new InitialWeights(arena, fit.seed()).layer(layout.dense, columns, columns)
                .layer(layout.scores, labels.size(), columns);
        kept.forEach((name, tensor) -> {
            if (name.startsWith(layout.dense + ".")) {
                start.put(name, tensor);
            }
        });
        WeightScope scope = WeightScope.of(start);
        Port x = graph.add("dense", new Linear(scope.part(layout.dense, columns, columns)), rows);
        x = graph.add("activation", new EltwiseOp(layout.activation), x);
        graph.output("scores", graph.add("scores", new Linear(scope.part(layout.scores, columns, labels.size())), x));
        return graph.build();
    }

    private void write(Checkpoint checkpoint, String type, Layout layout, Map<String, Tensor> tensors, Map<String, String> metadata)
            throws IOException {
        ObjectNode config = checkpoint.config().deepCopy();
        config.put("model_type", type).put("problem_type", "single_label_classification");
        config.remove("num_labels");
        config.putArray("architectures").add(layout.architecture + "ForSequenceClassification");
        ObjectNode names = config.putObject("id2label");
        ObjectNode ids = config.putObject("label2id");
        for (int i = 0; i < labels.size(); i++) {
            names.put(Integer.toString(i), labels.get(i));
            ids.put(labels.get(i), i);
        }
        SafetensorsWriter.write(output.resolve(Fit.MODEL), tensors, metadata);
        Files.writeString(output.resolve("config.json"), JSON.writerWithDefaultPrettyPrinter().writeValueAsString(config) + "\n");
        for (String name : checkpoint.tokenizerFiles()) {
            Files.copy(checkpoint.folder().resolve(name), output.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
