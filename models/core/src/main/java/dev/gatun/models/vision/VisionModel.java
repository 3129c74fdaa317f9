package dev.gatun.models.vision;

import dev.gatun.bindings.loader.Setting;
import dev.gatun.models.runtime.Program;
import dev.gatun.models.runtime.Session;
import dev.gatun.models.vision.VisionSpec.InputSize;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.op.BinaryOp;
import java.util.ArrayList;
import java.util.List;

/**
 * An image network ready to run: weights packed once, plans compiled once for each batch, input size and thread count.
 * Shared by any number of threads, each with its own {@link VisionSession}. Owns its native memory: {@link #close}
 * waits for forwards under way; sessions used after that throw {@link IllegalStateException}.
 */
public final class VisionModel implements AutoCloseable {
    /** Activations of the pictures that are computed together should not need much more cache than this. */
    private static final long CACHE_BYTES = 1L << 20;
    private static final int MAX_TRUNK_BATCH = 8;
    /** Weights and activations of a request that takes as long as it takes to wake a thread. */
    private static final long WORTH_A_CORE_BYTES = 1L << 20;
    /** Weights are read once for two pictures even where one alone exceeds the cache. */
    private static final int MIN_TRUNK_BATCH = 2;
    /** Elements of activations for each of a picture, about. */
    private static final long IMPORTED_ACTIVATIONS = 8;
    /** From one row, read at the speed of memory on any number of threads, to a batch: for few rows, our own product is chosen. */
    private static final Target TARGET = Target.ofRows(1);

    private final VisionSpec spec;
    private final String trunk;
    private final String head;
    private final Program program;
    /** Computes logits instead of the trunk, or null. */
    private final PictureRows outside;
    private final long pictureByteSize;
    private final long weightByteSize;

    private VisionModel(VisionNetwork network) {
        this.spec = network.spec();
        this.trunk = network.trunk().name();
        this.head = network.head().name();
        Target target = spec.tokens() == null ? TARGET : Target.ofRows(spec.tokens().count() * MIN_TRUNK_BATCH);
        this.program = Program.load(new Program.Part(network.trunk(), target), new Program.Part(network.head(), TARGET));
        this.outside = null;
        this.weightByteSize = program.nativeByteSize();
        try {
            this.pictureByteSize = Math.max(1, trunk(spec.inputSize(), 1, 1).activationByteSize());
        } catch (RuntimeException | Error e) {
            program.close();
            throw e;
        }
    }

    private VisionModel(VisionSpec spec, PictureRows outside) {
        this.spec = spec;
        this.outside = outside;
        GraphBuilder graph = new GraphBuilder("head");
        Port rows = graph.input(VisionNetwork.ROWS, spec.rows());
        // A plan's result is no input of its own.
        graph.output(VisionNetwork.FEATURES, graph.add("features", new BinaryOp(BinaryOp.Operator.MAX), rows, rows));
        graph.output(VisionNetwork.LOGITS, graph.add("logits", new BinaryOp(BinaryOp.Operator.MAX), rows, rows));
        this.program = Program.load(new Program.Part(graph.build(), TARGET));
        this.trunk = "head";
        this.head = "head";
        this.weightByteSize = outside.nativeByteSize();
        this.pictureByteSize = IMPORTED_ACTIVATIONS * Float.BYTES * spec.channels() * spec.inputSize().height() * spec.inputSize().width();
    }

    /** Makes a model of what is computed outside, which it takes over; its features are its logits. */
    public static VisionModel load(VisionSpec spec, PictureRows outside) {
        return new VisionModel(spec, outside);
    }

    /**
     * Makes a model; when this returns, nothing that the weights came from is needed any more.
     *
     * @throws IllegalArgumentException if the network contradicts itself
     */
    public static VisionModel load(VisionNetwork network) {
        return new VisionModel(network);
    }

    /**
     * A session for one caller, who closes it.
     *
     * @param threads threads of each kernel: 1 for throughput with many sessions, more for latency with one
     * @throws IllegalArgumentException if the network cannot take this input size
     */
    public VisionSession newSession(InputSize size, int threads) {
        spec.checkInput(size);
        int trunkBatch = trunkBatch(size, threads);
        Session session = program.newSession(threads);
        try {
            return new VisionSession(this, session, size, trunkBatch, outside == null ? null : outside.newSession(threads));
        } catch (RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }

    /** A session for the input size that the model was made for. */
    public VisionSession newSession(int threads) {
        return newSession(spec.inputSize(), threads);
    }

    /** Name and sizes. */
    public VisionSpec spec() {
        return spec;
    }

    /** The program: a graph of the trunk, and one of the head. It belongs to this model. */
    public Program program() {
        return program;
    }

    /** Bytes of native memory: weights and plans. */
    public long nativeByteSize() {
        return program.nativeByteSize() + (outside == null ? 0 : outside.nativeByteSize());
    }

    /** How many plans are compiled: a few for each input size and thread count. */
    public int planCount() {
        return program.planCount();
    }

    /** One line for each operation for a batch: what it makes and which kernel computes it. */
    public List<String> describe(InputSize size, int batch, int threads) {
        List<String> lines = new ArrayList<>(outside == null ? trunk(size, batch, threads).describe() : List.of());
        lines.addAll(head(batch, threads).describe());
        return List.copyOf(lines);
    }

    /**
     * How a batch is best computed.
     *
     * @param parts   into which it is divided, each for a session of its own
     * @param threads of each session
     */
    public record Split(int parts, int threads) {
    }

    /**
     * How to compute a batch of the model's input size with so many cores. Sessions with one thread each wait for nobody, but all of them
     * read all weights, and have to be woken: each needs pictures enough. One session with every core reads weights once. A request of
     * microseconds is not worth a
     * second core. Measured on two cores, the textbook network is faster divided from 16 to 32 pictures on, ResNet-50 from 2.
     *
     * @param pictures in the batch
     * @param cores    that may be used
     * @return as many parts as cores with one thread each, or one part
     * @throws IllegalArgumentException if {@code cores} is not 1 or more
     */
    public Split split(int pictures, int cores) {
        if (cores < 1) {
            throw new IllegalArgumentException("cores must be 1 or more, not " + cores);
        }
        if (cores == 1 || weightByteSize + pictures * pictureByteSize < WORTH_A_CORE_BYTES) {
            return new Split(1, 1);
        }
        int largest = Math.ceilDiv(pictures, cores);
        boolean enough = pictures / cores * pictureByteSize >= weightByteSize / 40 + WORTH_A_CORE_BYTES / 4;
        boolean even = (long) largest * cores * 10 <= pictures * 11L;
        return enough && even ? new Split(cores, 1) : new Split(1, cores);
    }

    /** Pictures that the trunk computes together, a power of two. */
    int trunkBatch(InputSize size, int threads) {
        if (outside != null) {
            return MIN_TRUNK_BATCH;
        }
        if (Setting.TRUNK_BATCH.isSet()) {
            int wanted = Integer.highestOneBit(Setting.TRUNK_BATCH.number());
            return spec.tokens() == null ? wanted : Math.min(wanted, VisionSpec.MAX_SEQUENCES);
        }
        long each = Math.max(1, trunk(size, 1, threads).activationByteSize());
        return Math.clamp(Long.highestOneBit(CACHE_BYTES / each), MIN_TRUNK_BATCH, MAX_TRUNK_BATCH);
    }

    Plan trunk(InputSize size, int batch, int threads) {
        return program.plan(trunk, spec.trunkSizes(size, batch), threads);
    }

    Plan head(int rows, int threads) {
        return program.plan(head, spec.headSizes(rows), threads);
    }

    /** Frees weights and plans once no forward is under way. Closing twice is harmless. */
    @Override
    public void close() {
        program.close();
        if (outside != null) {
            outside.close();
        }
    }
}
