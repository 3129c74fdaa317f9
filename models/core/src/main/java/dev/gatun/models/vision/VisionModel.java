package dev.gatun.models.vision;

import dev.gatun.models.vision.VisionNetwork.InputSize;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * An image network ready to run: weights packed once, plans compiled once for each batch, input size and thread count.
 * Shared by any number of threads, each with its own {@link VisionSession}. Owns its native memory: {@link #close}
 * waits for forwards under way; sessions used after that throw {@link IllegalStateException}.
 */
public final class VisionModel implements AutoCloseable {
    static final String PICTURES = "pictures";
    static final String ROWS = "rows";
    static final String FEATURES = "features";
    static final String LOGITS = "logits";

    /** Activations of the pictures that are computed together should not need much more cache than this. */
    private static final long CACHE_BYTES = 1L << 20;
    private static final int MAX_TRUNK_BATCH = 8;
    /** Weights and activations of a request that takes as long as it takes to wake a thread. */
    private static final long WORTH_A_CORE_BYTES = 1L << 20;
    /** Weights are read once for two pictures even where one alone exceeds the cache. */
    private static final int MIN_TRUNK_BATCH = 2;

    private final VisionNetwork network;
    private final Arena arena;
    private final Lifetime lifetime = new Lifetime("the image model");
    private final Map<PlanKey, Plan> plans = new ConcurrentHashMap<>();
    private final long pictureByteSize;
    private final long weightByteSize;

    /** A trunk has an input size; a head does not, which is written as null. */
    private record PlanKey(InputSize size, int batch, int threads) {
    }

    private VisionModel(VisionNetwork network, Arena arena) {
        this.network = network;
        this.arena = arena;
        // Convolutions take the kernels' favourite layout when they are first compiled.
        this.pictureByteSize = Math.max(1, trunk(network.inputSize(), 1, 1).activationByteSize());
        this.weightByteSize = network.nativeByteSize();
    }

    /**
     * Makes a model; when this returns, nothing that the weights came from is needed any more.
     *
     * @param loader puts packed weights into the arena it is given
     */
    public static VisionModel load(Function<Arena, ? extends VisionNetwork> loader) {
        Arena arena = Arena.ofShared();
        try {
            return new VisionModel(loader.apply(arena), arena);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /**
     * A session for one caller, who closes it.
     *
     * @param threads OpenMP threads of each kernel: 1 for throughput with many sessions, more for latency with one
     * @throws IllegalArgumentException if the network cannot take this input size
     */
    public VisionSession newSession(InputSize size, int threads) {
        network.checkInput(size);
        lifetime.enter();
        try {
            return new VisionSession(this, size, threads);
        } finally {
            lifetime.exit();
        }
    }

    /** A session for the input size that the model was made for. */
    public VisionSession newSession(int threads) {
        return newSession(network.inputSize(), threads);
    }

    /** The architecture and its sizes. */
    public VisionNetwork network() {
        return network;
    }

    /** Bytes of native memory that the weights take. */
    public long nativeByteSize() {
        return network.nativeByteSize();
    }

    /** How many plans are compiled: a few for each input size and thread count. */
    public int planCount() {
        return plans.size();
    }

    /** One line for each operation for a batch: what it makes and which kernel computes it. */
    public List<String> describe(InputSize size, int batch, int threads) {
        List<String> lines = new java.util.ArrayList<>(trunk(size, batch, threads).describe());
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
     * How to compute a batch of the model's input size with so many cores. Sessions with one thread each wait for nobody, but all of them read all weights, and have
     * to be woken: each needs pictures enough. One session with every core reads weights once. A request of microseconds is not worth a
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
        Integer property = Integer.getInteger("gatun.trunk.batch");
        if (property != null) {
            return Math.max(1, Integer.highestOneBit(property));
        }
        long each = Math.max(1, trunk(size, 1, threads).activationByteSize());
        return Math.clamp(Long.highestOneBit(CACHE_BYTES / each), MIN_TRUNK_BATCH, MAX_TRUNK_BATCH);
    }

    Plan trunk(InputSize size, int batch, int threads) {
        return plan(new PlanKey(size, batch, threads));
    }

    Plan head(int rows, int threads) {
        return plan(new PlanKey(null, rows, threads));
    }

    private Plan plan(PlanKey key) {
        lifetime.enter();
        try {
            return plans.computeIfAbsent(key, k -> k.size == null ? compileHead(k) : compileTrunk(k));
        } finally {
            lifetime.exit();
        }
    }

    private Plan compileTrunk(PlanKey key) {
        PlanBuilder plan = new PlanBuilder(network.name() + "[" + key.batch + " of " + key.size + ", " + key.threads + " threads]",
                lifetime, arena, key.threads);
        Value pictures = plan.input(PICTURES,
                TensorDesc.of(DataType.F32, key.batch, network.channels(), key.size.height(), key.size.width()));
        plan.output(ROWS, network.trunk(plan, pictures));
        return plan.build();
    }

    private Plan compileHead(PlanKey key) {
        PlanBuilder plan = new PlanBuilder(network.name() + "[head of " + key.batch + ", " + key.threads + " threads]",
                lifetime, arena, key.threads);
        VisionNetwork.Head head = network.head(plan, plan.input(ROWS, TensorDesc.of(DataType.F32, key.batch, network.trunkSize())));
        plan.output(FEATURES, head.features());
        plan.output(LOGITS, head.logits());
        return plan.build();
    }

    /** Frees weights and plans once no forward is under way. Closing twice is harmless. */
    @Override
    public void close() {
        if (lifetime.close()) {
            plans.clear();
            arena.close();
        }
    }
}
