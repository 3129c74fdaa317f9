package dev.gatun.models.train;

import dev.gatun.bindings.kernels.CountedArena;
import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.bindings.kernels.TrainKernels;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.BatchNorm;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Weight;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Trains the weights of a graph of one output: mini-batches, the loss, its gradients, an update. The graph is one before the passes; its
 * weights are where training begins. Batches are shuffled by seed and epoch, so that a training that goes on from a checkpoint of an
 * epoch's end comes to the same weights. One thread; owns its native memory.
 */
public final class Trainer implements AutoCloseable {
    /** Examples that are computed at once where nothing else is said. */
    private static final int SCORED = 64;

    private final Graph graph;
    private final Options options;
    private final CountedArena arena = new CountedArena("training");
    private final Map<Weight, Parameter> parameters = new LinkedHashMap<>();
    private final DifferentiatedSizes sizes;
    private final List<Parameter> trained;
    private final Loss.Bound loss;
    private long step;
    private boolean closed;

    /**
     * How to train.
     *
     * @param loss      what becomes small
     * @param optimizer how parameters change
     * @param schedule  of the learning rate
     * @param clipNorm  the largest norm of all gradients together ({@code clip_grad_norm_}); 0: none
     * @param threads   of the products
     * @param dropout   what is left out while it learns
     */
    public record Options(Loss loss, Optimizer optimizer, Schedule schedule, double clipNorm, int threads, Dropout dropout) {
        /** Without dropout. */
        public Options(Loss loss, Optimizer optimizer, Schedule schedule, double clipNorm, int threads) {
            this(loss, optimizer, schedule, clipNorm, threads, Dropout.NONE);
        }

        /** Checks the ranges. */
        public Options {
            if (!(clipNorm >= 0) || threads < 1) {
                throw new IllegalArgumentException("clipNorm " + clipNorm + " must be 0 or more, threads " + threads + " 1 or more");
            }
        }
    }

    /**
     * A trainer; the graph's weights are copied.
     *
     * @throws IllegalArgumentException if the graph has another form, or a layer that cannot be trained, which is named
     */
    public Trainer(Graph graph, Options options) {
        this.graph = graph;
        this.options = options;
        if (graph.inputs().isEmpty() || graph.outputs().size() != 1 || !graph.states().isEmpty()) {
            throw new IllegalArgumentException(graph.name() + ": has inputs " + graph.inputs().keySet() + ", states "
                    + graph.states().keySet()
                    + ", outputs " + graph.outputs().keySet() + ": expected one input or more, no states and one output");
        }
        try {
            Set<Weight> measured = new HashSet<>();
            Map<Weight, Parameter> all = new LinkedHashMap<>();
            graph.nodes().stream().map(Node::layer).forEach(layer -> {
                if (layer instanceof BatchNorm norm) {
                    measured.add(norm.mean());
                    measured.add(norm.variance());
                }
            });
            for (Weight weight : graph.weights()) {
                Weight.Origin origin = weight.origin();
                Weight own = origin == null ? weight : origin.table();
                if (own != null && !parameters.containsKey(own)) {
                    parameters.put(own, parameter(own, !measured.contains(own)));
                }
                all.put(weight, origin == null ? parameters.get(own) : parameter(weight, false));
            }
            all.putAll(parameters);
            trained = List.copyOf(parameters.values());
            loss = options.loss().bind(arena);
            Set<String> unknown = new TreeSet<>(options.dropout().shares().keySet());
            graph.nodes().forEach(node -> unknown.remove(node.name()));
            if (!unknown.isEmpty()) {
                throw new IllegalArgumentException(graph.name() + ": has no nodes " + unknown + ", which dropout names");
            }
            Kernels.setThreads(options.threads());
            try (CountedArena tried = new CountedArena("training")) {
                new Differentiated(tried, graph, graph.typicalSizes(), all, options.dropout(), this::steps);
            }
            sizes = new DifferentiatedSizes(arena, graph, all, options, this::steps);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    private Parameter parameter(Weight weight, boolean learnt) {
        TensorDesc desc = TensorDesc.of(DataType.F32, weight.shape().dims());
        Tensor value = tensor(desc);
        try (Arena widened = Arena.ofConfined()) {
            value.segment().copyFrom(weight.floats(widened).segment());
        }
        MemorySegment[] state = (learnt ? options.optimizer().states() : List.<String>of()).stream().map(name -> tensor(desc).segment())
                .toArray(MemorySegment[]::new);
        return new Parameter(weight.name(), value, tensor(desc), state, learnt);
    }

    private Tensor tensor(TensorDesc desc) {
        return Tensor.of(desc, NativeBuffer.allocate(arena, desc.byteSize()).segment());
    }

    private Differentiated filled(Tensor inputs) {
        requireOpen();
        return sizes.filled(inputs);
    }

    private Differentiated filled(Map<String, Tensor> inputs) {
        requireOpen();
        return sizes.filled(inputs);
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the trainer is closed");
        }
    }

    /**
     * Learns from one batch.
     *
     * @param inputs  F32 [n, ...]
     * @param targets as the loss takes them
     * @return the loss before the update
     * @throws TrainingException if it is not a number: then nothing was changed
     */
    public double step(Tensor inputs, Tensor targets) {
        return learn(filled(inputs), targets);
    }

    /**
     * The same for a graph of several inputs.
     *
     * @param inputs by name
     */
    public double step(Map<String, Tensor> inputs, Tensor targets) {
        return learn(filled(inputs), targets);
    }

    private double learn(Differentiated net, Tensor targets) {
        net.forward(true);
        double value = loss.compute(net.output(), targets, net.outputGradient());
        if (!Double.isFinite(value)) {
            throw new TrainingException("the loss is " + value + " at step " + (step + 1) + ": the first that is not finite is "
                    + net.firstNotFinite());
        }
        for (int i = 0; i < trained.size(); i++) {
            trained.get(i).gradient().segment().fill((byte) 0);
        }
        net.backward();
        update();
        return value;
    }

    private void update() {
        double factor = 1;
        if (options.clipNorm() > 0) {
            double squares = 0;
            for (int p = 0; p < trained.size(); p++) {
                squares += TrainKernels.squares(trained.get(p).gradient().segment());
            }
            factor = Math.min(1, options.clipNorm() / (Math.sqrt(squares) + 1e-6));
        }
        double rate = options.optimizer().lr() * options.schedule().factor(step);
        step++;
        for (int p = 0; p < trained.size(); p++) {
            Parameter parameter = trained.get(p);
            if (!parameter.learnt()) {
                continue;
            }
            MemorySegment gradient = parameter.gradient().segment();
            if (factor < 1) {
                TrainKernels.scale(gradient, (float) factor);
            }
            options.optimizer().update(step, rate, parameter.value().segment(), gradient, parameter.state());
        }
    }

    /** Outputs for a batch: F32 [n, ...], a view of this trainer's memory until it computes again. */
    public Tensor predict(Tensor inputs) {
        Differentiated net = filled(inputs);
        net.forward(false);
        return net.output();
    }

    /** The same for a graph of several inputs, by name. */
    public Tensor predict(Map<String, Tensor> inputs) {
        Differentiated net = filled(inputs);
        net.forward(false);
        return net.output();
    }

    /** What {@link #fit} tells after each epoch; returning false ends it. */
    @FunctionalInterface
    public interface Listener {
        /** @param epoch 0 for the first; @param loss the mean over its batches */
        boolean onEpoch(int epoch, double loss) throws IOException;
    }

    /**
     * Learns from all examples, shuffled, epoch after epoch.
     *
     * @param batch      examples of a step; the last of an epoch may have fewer
     * @param firstEpoch 0, or where a restored training goes on
     * @param epochs     where it ends, exclusive
     * @throws TrainingException if the loss is not a number
     * @throws IOException       what the listener throws
     */
    public void fit(TrainingData data, int batch, int firstEpoch, int epochs, long seed, Listener listener) throws IOException {
        fit(data, Augmentation.NONE, batch, firstEpoch, epochs, seed, listener);
    }

    /** The same from other looks of the examples in each epoch. */
    public void fit(TrainingData data, Augmentation augmentation, int batch, int firstEpoch, int epochs, long seed, Listener listener)
            throws IOException {
        if (batch < 1 || firstEpoch < 0) {
            throw new IllegalArgumentException("batch " + batch + " must be 1 or more, the first epoch " + firstEpoch + " 0 or more");
        }
        requireOpen();
        Batches batches = new Batches(data, augmentation);
        for (int epoch = firstEpoch; epoch < epochs; epoch++) {
            batches.shuffle(seed, epoch);
            double sum = 0;
            for (int from = 0; from < batches.count(); from += batch) {
                int rows = Math.min(batch, batches.count() - from);
                sum += rows * learn(batches, from, rows);
            }
            if (!listener.onEpoch(epoch, sum / batches.count())) {
                return;
            }
        }
    }

    /** Learns from some examples of an order; allocates nothing but at the first batch of a size. */
    double learn(Batches batches, int from, int rows) {
        Differentiated net = sizes.of(rows);
        return learn(net, filled(net, batches, from, rows));
    }

    /** Copies some examples of an order; returns their targets. */
    private static Tensor filled(Differentiated net, Batches batches, int from, int rows) {
        Tensor targets = net.targets(batches.targets());
        batches.copy(from, rows, net.input(), targets);
        return targets;
    }

    /**
     * How well examples are known.
     *
     * @param loss     the mean
     * @param accuracy the share of examples whose label has the largest output; not a number if targets are no labels
     */
    public record Score(double loss, double accuracy) {
    }

    /** How well some examples are known; computed in batches of this size. */
    public Score score(TrainingData data, int batch) {
        requireOpen();
        Batches batches = new Batches(data, Augmentation.NONE);
        boolean labels = data.targets().type() == DataType.S32;
        double sum = 0;
        int right = 0;
        for (int from = 0; from < data.count(); from += batch) {
            int rows = Math.min(batch, data.count() - from);
            Differentiated net = sizes.of(rows);
            Tensor targets = filled(net, batches, from, rows);
            net.forward(false);
            sum += rows * loss.compute(net.output(), targets, net.outputGradient());
            right += labels ? right(net.output(), targets) : 0;
        }
        return new Score(sum / data.count(), labels ? (double) right / data.count() : Double.NaN);
    }

    /** Rows whose label has the largest output. */
    static int right(Tensor outputs, Tensor targets) {
        int classes = Math.toIntExact(outputs.shape().dim(-1));
        int right = 0;
        for (int i = 0; i < targets.shape().elementCount(); i++) {
            int best = 0;
            for (int k = 1; k < classes; k++) {
                best = outputs.getFloat((long) i * classes + k) > outputs.getFloat((long) i * classes + best) ? k : best;
            }
            right += best == targets.getInt(i) ? 1 : 0;
        }
        return right;
    }

    /** The share of examples whose label, S32 [count], has the largest output. */
    public double accuracy(TrainingData data) {
        return score(data, Math.min(data.count(), SCORED)).accuracy();
    }

    /** Steps that were taken. */
    public long steps() {
        return step;
    }

    /** The parameters by name: views of this trainer's memory. */
    public Map<String, Tensor> parameters() {
        Map<String, Tensor> all = new LinkedHashMap<>();
        parameters.values().forEach(p -> all.put(p.name(), p.value()));
        return Collections.unmodifiableMap(all);
    }

    /**
     * Writes parameters and optimizer states; the file appears when it is whole, and one that was there stays until then.
     *
     * @throws IOException that names the file
     */
    public void save(Path file) throws IOException {
        save(file, Map.of());
    }

    /** The same with notes about the training, which {@link #restore(Path, Map)} compares. */
    public void save(Path file, Map<String, String> notes) throws IOException {
        requireOpen();
        TrainerFile.save(file, trained, options.optimizer().states(), step, notes);
    }

    /**
     * Goes on from a file that {@link #save} wrote.
     *
     * @throws WeightException if it is damaged, or another network's or optimizer's: then nothing was changed
     */
    public void restore(Path file) {
        restore(file, Map.of());
    }

    /**
     * The same.
     *
     * @throws WeightException also if one of these notes is not in the file, or has another value there, which is named
     */
    public void restore(Path file, Map<String, String> notes) {
        requireOpen();
        step = TrainerFile.restore(file, trained, options.optimizer().states(), notes);
    }

    /** Bytes of native memory. */
    public long nativeByteSize() {
        return arena.byteSize();
    }

    /** Frees the memory. Closing twice is harmless. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            arena.close();
        }
    }
}
