package dev.gatun.models.task.embed;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.sentence.SentenceFolder;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.encode.Tower;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.ConcatOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.NormalizeOp;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Describes what a {@link SentenceFolder} says: pooling, and the layers behind it. */
final class SentenceHead {
    /** torch has each by a long name, which is written, and a short one. */
    private static final Map<String, Activation> ACTIVATIONS = new HashMap<>();
    private static final int MAX_SIZE = 1 << 20;

    private final List<Pooling> poolings;
    private final List<Layer> before = new ArrayList<>();
    private final List<Layer> behind = new ArrayList<>();
    private List<Layer> layers = before;
    private boolean normalize;
    private long columns;

    static {
        Map.of("Tanh", Activation.TANH, "ReLU", Activation.RELU, "GELU", Activation.GELU_ERF, "Sigmoid", Activation.SIGMOID, "SiLU",
                Activation.SILU, "Mish", Activation.MISH, "ReLU6", Activation.RELU6, "Hardswish", Activation.HARDSWISH, "Identity",
                Activation.NONE).forEach((name, activation) -> {
                    ACTIVATIONS.put("torch.nn." + name, activation);
                    ACTIVATIONS.put("torch.nn.modules." + (activation == Activation.NONE ? "linear." : "activation.") + name, activation);
                });
    }

    /** A layer of rows [tokens or sequences, columns]. */
    @FunctionalInterface
    private interface Layer {
        Port add(GraphBuilder graph, Port rows);
    }

    private SentenceHead(List<Pooling> poolings, long hiddenSize) {
        this.poolings = poolings;
        this.columns = hiddenSize;
    }

    /**
     * The head of a folder.
     *
     * @param folder    what it says, options considered
     * @param files     owns the weights of its layers; lives until the encoder is loaded
     * @param asked     columns that somebody wants, 0 for what the folder says; as in sentence-transformers that may be more than there are
     */
    static Head of(SentenceFolder folder, TextEncoder encoder, Arena files, int asked) {
        Tower tower = encoder.tower();
        SentenceHead head = new SentenceHead(tower == null ? folder.poolings() : List.of(tower.pooling()), encoder.spec().hiddenSize());
        folder.before().forEach(step -> head.add(step, files));
        head.layers = head.behind;
        head.columns *= head.poolings.size();
        if (tower != null) {
            head.columns = new Linear(tower.projection()).outFeatures();
            head.layers.add((graph, rows) -> graph.add("projection", new Linear(tower.projection()), rows));
        }
        folder.steps().forEach(step -> head.add(step, files));
        if (asked > head.columns) {
            throw new IllegalArgumentException("dimension " + asked + " is more than the " + head.columns + " of the model's vectors");
        }
        int all = (int) head.columns;
        return new Head(all, folder.dimension() == 0 ? all : Math.min(all, folder.dimension()), false,
                tower == null && folder.skipsPrompts(), head::describe);
    }

    private void add(SentenceFolder.Step step, Arena files) {
        switch (step) {
            case SentenceFolder.Step.Dense dense -> dense(dense, files);
            case SentenceFolder.Step.Norm norm -> norm(norm, files);
            case SentenceFolder.Step.Normalize() -> normalize();
        }
    }

    private void normalize() {
        if (layers == behind && behind.isEmpty() && poolings.size() == 1) {
            normalize = true;
        } else {
            layers.add((graph, rows) -> graph.add("normalize", new NormalizeOp(), rows));
        }
    }

    private void dense(SentenceFolder.Step.Dense dense, Arena files) {
        ConfigFields config = dense.config();
        int in = config.integer("in_features", 1, MAX_SIZE);
        int out = config.integer("out_features", 1, MAX_SIZE);
        boolean bias = config.flag("bias", true);
        boolean residual = config.flag("use_residual", false);
        if (config.isNull("activation_function")) {
            throw config.error("activation_function", "a name; torch.nn.modules.linear.Identity is none");
        }
        Activation activation = config.choice("activation_function", Activation.TANH, ACTIVATIONS);
        requireColumns(config, "in_features", in);
        WeightScope scope = scope(dense.folder(), files);
        Linear.Part part = scope.part("linear", in, out);
        Linear.Part shortcut = residual && in != out ? scope.part("residual", in, out) : null;
        if (bias != (part.bias() != null)) {
            throw config.error("bias", "what the weights say: there is " + (part.bias() == null ? "no " : "a ") + "linear.bias");
        }
        columns = out;
        layers.add((graph, rows) -> {
            Port y = graph.add("dense", new Linear(part), rows);
            Port active = activation == Activation.NONE ? y : graph.add("dense.activation", new EltwiseOp(activation), y);
            Port beside = shortcut == null ? rows : graph.add("dense.residual", new Linear(shortcut), rows);
            return residual ? graph.add("dense.sum", new BinaryOp(BinaryOp.Operator.ADD), active, beside) : active;
        });
    }

    private void norm(SentenceFolder.Step.Norm norm, Arena files) {
        int dimension = norm.config().integer("dimension", 1, MAX_SIZE);
        requireColumns(norm.config(), "dimension", dimension);
        WeightScope scope = scope(norm.folder(), files).child("norm");
        LayerNorm layer = new LayerNorm(scope.weight("weight", dimension), scope.weight("bias", dimension), 1e-5f);
        layers.add((graph, rows) -> graph.add("layer_norm", layer, rows));
    }

    private void requireColumns(ConfigFields config, String field, int found) {
        if (found != columns) {
            throw config.error(field, columns + ", the columns of what comes before");
        }
    }

    private static WeightScope scope(Path folder, Arena files) {
        return WeightScope.of(Checkpoint.open(folder).source(files));
    }

    private Port describe(GraphBuilder graph, Port hidden, Port sequences, int maxSequences) {
        Port tokens = through(before, graph, hidden);
        Port[] pooled = poolings.stream().map(pooling -> graph.add("pool", pooling.op(normalize, maxSequences), tokens, sequences))
                .toArray(Port[]::new);
        return through(behind, graph, pooled.length == 1 ? pooled[0] : graph.add("pools", new ConcatOp(1), pooled));
    }

    private static Port through(List<Layer> layers, GraphBuilder graph, Port rows) {
        Port result = rows;
        for (Layer layer : layers) {
            result = layer.add(graph, result);
        }
        return result;
    }
}
