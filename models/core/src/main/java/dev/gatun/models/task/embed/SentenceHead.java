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
import java.util.List;
import java.util.Map;

/** Describes what a {@link SentenceFolder} says: pooling, and the layers behind it. */
final class SentenceHead {
    private static final Map<String, Activation> ACTIVATIONS = Map.of("torch.nn.modules.activation.Tanh", Activation.TANH,
            "torch.nn.modules.linear.Identity", Activation.NONE, "torch.nn.modules.activation.ReLU", Activation.RELU,
            "torch.nn.modules.activation.GELU", Activation.GELU_ERF, "torch.nn.modules.activation.Sigmoid", Activation.SIGMOID,
            "torch.nn.modules.activation.SiLU", Activation.SILU, "torch.nn.modules.activation.Mish", Activation.MISH,
            "torch.nn.modules.activation.ReLU6", Activation.RELU6, "torch.nn.modules.activation.Hardswish", Activation.HARDSWISH);
    private static final int MAX_SIZE = 1 << 20;

    private final List<Pooling> poolings;
    private final List<Layer> layers = new ArrayList<>();
    private boolean normalize;
    private long columns;

    /** A layer of rows [sequences, columns]. */
    @FunctionalInterface
    private interface Layer {
        Port add(GraphBuilder graph, Port rows);
    }

    private SentenceHead(List<Pooling> poolings, long hiddenSize) {
        this.poolings = poolings;
        this.columns = hiddenSize * poolings.size();
    }

    /**
     * The head of a folder.
     *
     * @param folder    what it says, options considered
     * @param files     owns the weights of its layers; lives until the encoder is loaded
     * @param dimension columns that are kept, 0 for all
     */
    static Head of(SentenceFolder folder, TextEncoder encoder, Arena files, int dimension) {
        Tower tower = encoder.tower();
        SentenceHead head = new SentenceHead(tower == null ? folder.poolings() : List.of(tower.pooling()), encoder.spec().hiddenSize());
        if (tower != null) {
            head.columns = new Linear(tower.projection()).outFeatures();
            head.layers.add((graph, rows) -> graph.add("projection", new Linear(tower.projection()), rows));
        }
        for (SentenceFolder.Step step : folder.steps()) {
            switch (step) {
                case SentenceFolder.Step.Dense dense -> head.dense(dense, files);
                case SentenceFolder.Step.Norm norm -> head.norm(norm, files);
                case SentenceFolder.Step.Normalize() -> head.normalize();
            }
        }
        if (dimension > head.columns) {
            throw new IllegalArgumentException("dimension " + dimension + " is more than the " + head.columns + " of the model's vectors");
        }
        return new Head((int) head.columns, dimension == 0 ? (int) head.columns : dimension, false, tower == null && folder.skipsPrompts(),
                head::describe);
    }

    private void normalize() {
        if (layers.isEmpty() && poolings.size() == 1) {
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
        Port[] pooled = poolings.stream().map(pooling -> graph.add("pool", pooling.op(normalize, maxSequences), hidden, sequences))
                .toArray(Port[]::new);
        Port rows = pooled.length == 1 ? pooled[0] : graph.add("pools", new ConcatOp(1), pooled);
        for (Layer layer : layers) {
            rows = layer.add(graph, rows);
        }
        return rows;
    }
}
