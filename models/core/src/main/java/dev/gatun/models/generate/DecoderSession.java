package dev.gatun.models.generate;

import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.models.runtime.PackedSequences;
import dev.gatun.models.runtime.Session;
import dev.gatun.models.runtime.Workers;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.op.KvLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Decodes one target token by token where the caller chooses the tokens: a source is encoded once, then every {@link #step} appends a token
 * and gives the scores of the next; {@link #restart} begins another target of the same source. A step allocates nothing. One thread at a
 * time, a platform thread; owns cache and activations; {@link #close} waits for a step under way.
 */
public final class DecoderSession implements Workers.Session {
    private final Session session;
    private final Shape shape;
    private final Plan encoder;
    private final Plan step;
    private final Arena arena = Arena.ofShared();
    private final KvCache cache;
    private final BlockTable source;
    private final BlockTable target;
    private final AtomicBoolean closed = new AtomicBoolean();
    private boolean encoded;
    private int length;

    /**
     * Sizes.
     *
     * @param layout    of the cache
     * @param sourceLen rows of every source
     * @param targetLen longest target
     * @param vocabSize scores of a step
     */
    public record Shape(KvLayout layout, int sourceLen, int targetLen, int vocabSize) {
    }

    /**
     * A session.
     *
     * @param session of the program of both plans, closed with this
     * @param encoder has {@link GenerativeModel#SOURCE_SEQUENCES} and {@link GenerativeModel#SOURCE_TABLES}, and inputs of its own
     * @param step    of one row, with the inputs, states and output of {@link GenerativeModel}
     */
    public DecoderSession(Session session, Shape shape, Plan encoder, Plan step) {
        this.session = session;
        this.shape = shape;
        this.encoder = encoder;
        this.step = step;
        this.cache = new KvCache(shape.layout());
        this.source = table(shape.sourceLen());
        this.target = table(shape.targetLen());
    }

    private BlockTable table(int tokens) {
        return new BlockTable(cache, NativeBuffer.allocate(arena, (long) KvLayout.blocks(tokens) * Long.BYTES).segment());
    }

    /**
     * Encodes a source, and forgets the one before and its target.
     *
     * @param fill  fills the plan's own inputs
     * @param after sees the outputs
     */
    public void encode(Consumer<BoundPlan> fill, Consumer<BoundPlan> after) {
        session.enter();
        try {
            target.release();
            length = 0;
            encoded = false;
            BoundPlan plan = session.bind(encoder);
            source.reserve(shape.sourceLen());
            plan.state(GenerativeModel.SOURCE_TABLES).segment().setAtIndex(ValueLayout.JAVA_LONG, 0, source.address());
            MemorySegment sequences = plan.input(GenerativeModel.SOURCE_SEQUENCES).segment();
            PackedSequences.begin(sequences);
            PackedSequences.add(sequences, shape.sourceLen());
            fill.accept(plan);
            plan.execute();
            encoded = true;
            after.accept(plan);
        } finally {
            session.exit();
        }
    }

    /** Begins another target of the same source. */
    public void restart() {
        session.enter();
        try {
            target.release();
            length = 0;
        } finally {
            session.exit();
        }
    }

    /**
     * Appends a token.
     *
     * @param logits takes the scores of the next: F32 [vocabSize]
     * @param after  sees the other outputs
     * @throws IllegalStateException    if nothing is encoded, the target is full, or this or the model is closed
     * @throws IllegalArgumentException if there is no such token
     */
    public void step(int token, float[] logits, Consumer<BoundPlan> after) {
        if (token < 0 || token >= shape.vocabSize()) {
            throw new IllegalArgumentException("token " + token + ", the vocabulary has 0 to " + (shape.vocabSize() - 1));
        }
        session.enter();
        try {
            if (!encoded || length >= shape.targetLen()) {
                throw new IllegalStateException(encoded ? "the target has its " + length + " tokens" : "nothing was encoded");
            }
            BoundPlan plan = session.bind(step);
            target.makeWritable(length);
            plan.input(GenerativeModel.STEP_IDS).setInt(0, token);
            plan.input(GenerativeModel.STEP_POSITIONS).setInt(0, length);
            plan.input(GenerativeModel.STEP_LENGTHS).setInt(0, ++length);
            plan.state(GenerativeModel.STEP_TABLES).segment().setAtIndex(ValueLayout.JAVA_LONG, 0, target.address());
            plan.input(GenerativeModel.STEP_SOURCE_LENGTHS).setInt(0, shape.sourceLen());
            plan.state(GenerativeModel.STEP_SOURCE_TABLES).segment().setAtIndex(ValueLayout.JAVA_LONG, 0, source.address());
            plan.execute();
            MemorySegment.copy(plan.output(GenerativeModel.LOGITS).segment(), ValueLayout.JAVA_FLOAT, 0, logits, 0, shape.vocabSize());
            after.accept(plan);
        } finally {
            session.exit();
        }
    }

    /** Tokens of the target. */
    public int length() {
        return length;
    }

    /**
     * The keys that a layer's cross-attention has of the source.
     *
     * @param dst takes them: [headDim][sourceLen]
     */
    public void sourceKeys(int layer, int head, float[] dst) {
        session.enter();
        try {
            int dim = shape.layout().headDim();
            long first = shape.layout().part(layer).part() + (long) head * dim * KvLayout.BLOCK_TOKENS;
            for (int from = 0; from < shape.sourceLen(); from += KvLayout.BLOCK_TOKENS) {
                MemorySegment block = cache.memory(source.block(from / KvLayout.BLOCK_TOKENS));
                int count = Math.min(KvLayout.BLOCK_TOKENS, shape.sourceLen() - from);
                for (int d = 0; d < dim; d++) {
                    MemorySegment.copy(block, ValueLayout.JAVA_FLOAT, (first + (long) d * KvLayout.BLOCK_TOKENS) * Float.BYTES, dst,
                            d * shape.sourceLen() + from, count);
                }
            }
        } finally {
            session.exit();
        }
    }

    @Override
    public long nativeByteSize() {
        return session.nativeByteSize() + cache.nativeByteSize();
    }

    /** Frees everything once no step is under way. Closing twice is harmless. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            session.close();
            cache.close();
            arena.close();
        }
    }
}
