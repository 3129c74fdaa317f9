package dev.gatun.models.train;

import dev.gatun.bindings.kernels.CountedArena;
import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Weight;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/**
 * Trains the weights of a graph of one input, whose first dimension is free, and one output: mini-batches, the loss, its gradients, an
 * update.
 * The graph is one before the passes; its weights are where training begins. Batches are shuffled by seed and epoch, so that a training
 * that
 * goes on from a checkpoint of an epoch's end comes to the same weights. One thread; owns its native memory.
 */
public final class Trainer implements AutoCloseable {
    private static final String OPTIMIZER = "optimizer.";
    private static final String STEP = "step";

    private final Graph graph;
    private final Options options;
    private final CountedArena arena = new CountedArena();
    private final Map<Weight, Parameter> parameters = new LinkedHashMap<>();
    private final Map<Long, Differentiated> sizes = new HashMap<>();
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
     */
    public record Options(Loss loss, Optimizer optimizer, Schedule schedule, double clipNorm, int threads) {
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
        if (graph.inputs().size() != 1 || graph.outputs().size() != 1 || !graph.states().isEmpty()) {
            throw new IllegalArgumentException(graph.name() + ": has inputs " + graph.inputs().keySet() + ", states "
                    + graph.states().keySet()
                    + ", outputs " + graph.outputs().keySet() + ": expected one input and one output");
        }
        try {
            for (Weight weight : graph.weights()) {
                parameters.put(weight, parameter(weight));
            }
            differentiated(1);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    private Parameter parameter(Weight weight) {
        TensorDesc desc = TensorDesc.of(DataType.F32, weight.shape().dims());
        Tensor value = tensor(desc);
        try (Arena widened = Arena.ofConfined()) {
            value.segment().copyFrom(weight.floats(widened).segment());
        }
        MemorySegment[] state = options.optimizer().states().stream().map(name -> tensor(desc).segment()).toArray(MemorySegment[]::new);
        return new Parameter(weight.name(), value, tensor(desc), state);
    }

    private Tensor tensor(TensorDesc desc) {
        return Tensor.of(desc, NativeBuffer.allocate(arena, desc.byteSize()).segment());
    }

    private Differentiated differentiated(long batch) {
        Differentiated found = sizes.get(batch);
        if (found == null) {
            Spec spec = graph.inputs().values().iterator().next().spec();
            if (spec.dims().isEmpty() || !spec.dims().getFirst().isFree()) {
                throw new IllegalArgumentException(graph.name() + ": input " + spec + ": its first dimension must be free");
            }
            found = new Differentiated(arena, graph, Sizes.of(spec.dims().getFirst().name(), batch), parameters);
            sizes.put(batch, found);
        }
        return found;
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
        Differentiated net = forward(inputs);
        double loss = options.loss().compute(net.output(), targets, net.outputGradient());
        if (!Double.isFinite(loss)) {
            throw new TrainingException("the loss is " + loss + " at step " + (step + 1) + ": the first that is not finite is "
                    + net.firstNotFinite());
        }
        for (Parameter parameter : parameters.values()) {
            parameter.gradient().segment().fill((byte) 0);
        }
        net.backward();
        update();
        return loss;
    }

    private Differentiated forward(Tensor inputs) {
        requireOpen();
        Differentiated net = differentiated(inputs.shape().dim(0));
        if (inputs.type() != DataType.F32 || !inputs.desc().isRowMajor() || !inputs.shape().equals(net.input().shape())) {
            throw new ShapeException("train", "inputs " + inputs + ", expected row-major " + net.input().desc(), inputs.shape());
        }
        net.input().segment().copyFrom(inputs.segment());
        Kernels.setThreads(options.threads());
        net.forward();
        return net;
    }

    private void update() {
        double factor = 1;
        if (options.clipNorm() > 0) {
            double squares = 0;
            for (Parameter parameter : parameters.values()) {
                for (long i = 0; i < parameter.gradient().shape().elementCount(); i++) {
                    squares += (double) parameter.gradient().getFloat(i) * parameter.gradient().getFloat(i);
                }
            }
            factor = Math.min(1, options.clipNorm() / (Math.sqrt(squares) + 1e-6));
        }
        double rate = options.optimizer().lr() * options.schedule().factor(step);
        step++;
        for (Parameter parameter : parameters.values()) {
            Tensor gradient = parameter.gradient();
            for (long i = 0; factor < 1 && i < gradient.shape().elementCount(); i++) {
                gradient.setFloat(i, (float) (gradient.getFloat(i) * factor));
            }
            options.optimizer().update(step, rate, parameter.value().segment(), gradient.segment(), parameter.state());
        }
    }

    /** Outputs for a batch: F32 [n, ...], a view of this trainer's memory until it computes again. */
    public Tensor predict(Tensor inputs) {
        return forward(inputs).output();
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
        if (batch < 1 || firstEpoch < 0) {
            throw new IllegalArgumentException("batch " + batch + " must be 1 or more, the first epoch " + firstEpoch + " 0 or more");
        }
        int[] order = new int[data.count()];
        for (int epoch = firstEpoch; epoch < epochs; epoch++) {
            shuffle(order, new Random(31 * seed + epoch));
            double sum = 0;
            for (int from = 0; from < order.length; from += batch) {
                int rows = Math.min(batch, order.length - from);
                try (Arena one = Arena.ofConfined()) {
                    sum += rows * step(gather(one, data.inputs(), order, from, rows), gather(one, data.targets(), order, from, rows));
                }
            }
            if (!listener.onEpoch(epoch, sum / order.length)) {
                return;
            }
        }
    }

    private static void shuffle(int[] order, Random random) {
        for (int i = 0; i < order.length; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
    }

    private static Tensor gather(Arena arena, Tensor all, int[] order, int from, int rows) {
        long[] dims = all.shape().dims();
        long bytes = all.segment().byteSize() / dims[0];
        dims[0] = rows;
        Tensor part = Tensor.allocate(arena, TensorDesc.of(all.type(), dims));
        for (int i = 0; i < rows; i++) {
            MemorySegment.copy(all.segment(), order[from + i] * bytes, part.segment(), i * bytes, bytes);
        }
        return part;
    }

    /** The share of examples whose label, S32 [count], has the largest output. */
    public double accuracy(TrainingData data) {
        Tensor outputs = predict(data.inputs());
        int classes = Math.toIntExact(outputs.shape().dim(-1));
        int right = 0;
        for (int i = 0; i < data.count(); i++) {
            int best = 0;
            for (int k = 1; k < classes; k++) {
                best = outputs.getFloat((long) i * classes + k) > outputs.getFloat((long) i * classes + best) ? k : best;
            }
            right += best == data.targets().getInt(i) ? 1 : 0;
        }
        return (double) right / data.count();
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
        requireOpen();
        Map<String, Tensor> tensors = new LinkedHashMap<>(parameters());
        parameters.values().forEach(p -> {
            for (int i = 0; i < p.state().length; i++) {
                tensors.put(stateName(p, i), Tensor.of(p.value().desc(), p.state()[i]));
            }
        });
        SafetensorsWriter.write(file, tensors, Map.of(STEP, Long.toString(step)));
    }

    private String stateName(Parameter parameter, int state) {
        return OPTIMIZER + parameter.name() + "." + options.optimizer().states().get(state);
    }

    /**
     * Goes on from a file that {@link #save} wrote.
     *
     * @throws WeightException if it is damaged, or another network's or optimizer's: then nothing was changed
     */
    public void restore(Path file) {
        requireOpen();
        try (Arena temporary = Arena.ofConfined()) {
            SafetensorsFile source = SafetensorsFile.open(file, temporary);
            Map<MemorySegment, MemorySegment> copies = new LinkedHashMap<>();
            for (Parameter p : parameters.values()) {
                copies.put(p.value().segment(), checked(source, file, p.name(), p));
                for (int i = 0; i < p.state().length; i++) {
                    copies.put(p.state()[i], checked(source, file, stateName(p, i), p));
                }
            }
            String steps = source.metadata().get(STEP);
            if (steps == null || !steps.matches("\\d{1,18}") || source.names().size() != copies.size()) {
                throw new WeightException(file, "has step " + steps + " and " + source.names().size()
                        + " tensors, expected a number of steps and "
                        + copies.size() + " tensors: is it another optimizer's?");
            }
            copies.forEach(MemorySegment::copyFrom);
            step = Long.parseLong(steps);
        }
    }

    private static MemorySegment checked(SafetensorsFile source, Path file, String name, Parameter parameter) {
        if (!source.names().contains(name) || !source.entry(name).shape().equals(parameter.value().shape())) {
            throw new WeightException(file, "has no tensor " + name + " of shape " + parameter.value().shape());
        }
        return source.floats(name).segment();
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
