package dev.gatun.models.family.bert;

import dev.gatun.models.runtime.SessionWorkers;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.ExecutionContext;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.Plan;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Executes an encoder for one caller: token ids in off-heap memory to vectors in off-heap memory, without
 * allocating. Rows are real tokens: sequences are laid end to end in chunks that stay in the processor's cache,
 * and padding is never computed. One thread at a time; the calling thread must be a platform thread. Closing waits
 * for a forward under way.
 */
public final class EncoderSession implements SessionWorkers.Session {
    private final BertEncoder encoder;
    private final SessionOptions options;
    private final ExecutionContext context = new ExecutionContext();
    private final TokenBuckets buckets;
    private final Plan[] plans;
    private final Lifetime lifetime = new Lifetime("the encoder session");
    private final AtomicBoolean busy = new AtomicBoolean();

    EncoderSession(BertEncoder encoder, SessionOptions options) {
        this.encoder = encoder;
        this.options = options;
        this.buckets = encoder.buckets();
        this.plans = new Plan[buckets.count()];
    }

    /**
     * How a session computes.
     *
     * @param threads   OpenMP threads of each kernel: 1 for throughput with many sessions, more for latency with one
     * @param pooling   tokens to text
     * @param normalize whether vectors get Euclidean length 1
     */
    public record SessionOptions(int threads, Pooling pooling, boolean normalize) {
        /** Checks the thread count. */
        public SessionOptions {
            if (threads < 1) {
                throw new IllegalArgumentException("threads must be 1 or more, not " + threads);
            }
        }

        /** Mean pooling, normalized. */
        public static SessionOptions ofThreads(int threads) {
            return new SessionOptions(threads, Pooling.MEAN, true);
        }
    }

    /**
     * Encodes sequences. Sequence i is {@code ids[offsets[i] .. offsets[i + 1])}; an empty one gives zeros.
     *
     * @param ids     S32 token ids, off-heap, {@code offsets[count]} of them
     * @param offsets S32, {@code count + 1} of them, off-heap, the first 0, never decreasing
     * @param count   number of sequences
     * @param dst     F32 [count, hiddenSize], off-heap; overwritten
     * @throws IllegalArgumentException if an offset decreases, a sequence is longer than the model's positions,
     *                                  an id is not in the vocabulary, or a segment is too small or on the heap
     * @throws IllegalStateException    if the session or the model is closed, or another thread is executing here
     */
    public void forward(MemorySegment ids, MemorySegment offsets, int count, MemorySegment dst) {
        requireNative(ids, offsets, count, dst);
        lifetime.enter();
        try {
            if (!busy.compareAndSet(false, true)) {
                throw new IllegalStateException("this session is in use by another thread: one session for each caller");
            }
            try {
                forwardAll(ids, offsets, count, dst);
            } finally {
                busy.set(false);
            }
        } finally {
            lifetime.exit();
        }
    }

    private void forwardAll(MemorySegment ids, MemorySegment offsets, int count, MemorySegment dst) {
        int chunk = encoder.chunkTokens();
        long rowBytes = (long) encoder.config().hiddenSize() * Float.BYTES;
        for (int first = 0; first < count; ) {
            int start = offset(offsets, first);
            int last = first + 1;
            checkLength(offsets, first);
            while (last < count && offset(offsets, last + 1) - start <= chunk && last - first < encoder.maxSequences()) {
                checkLength(offsets, last);
                last++;
            }
            forwardChunk(ids, offsets, first, last, dst, first * rowBytes);
            first = last;
        }
    }

    /** The rows of dst go by their offset: a slice for a call that is not inlined would be an object on the heap. */
    private void forwardChunk(MemorySegment ids, MemorySegment offsets, int first, int last, MemorySegment dst, long dstOffset) {
        int start = offset(offsets, first);
        int tokens = offset(offsets, last) - start;
        long elements = (long) (last - first) * encoder.config().hiddenSize();
        if (tokens == 0) {
            for (long i = 0; i < elements; i++) {
                dst.set(ValueLayout.JAVA_FLOAT_UNALIGNED, dstOffset + i * Float.BYTES, 0f);
            }
            return;
        }
        BoundPlan plan = context.bind(plan(tokens));
        MemorySegment planIds = plan.input(BertPlans.IDS).segment();
        MemorySegment positions = plan.input(BertPlans.POSITIONS).segment();
        MemorySegment sequences = plan.input(BertPlans.SEQUENCES).segment();
        copyIds(ids, start, tokens, planIds);
        sequences.setAtIndex(ValueLayout.JAVA_INT, 0, last - first);
        for (int i = first; i <= last; i++) {
            sequences.setAtIndex(ValueLayout.JAVA_INT, i - first + 1, offset(offsets, i) - start);
        }
        fillPositions(offsets, first, last, positions);
        plan.execute();
        MemorySegment.copy(plan.output(BertPlans.POOLED).segment(), 0, dst, dstOffset, elements * Float.BYTES);
    }

    private Plan plan(int tokens) {
        int bucket = buckets.indexFor(tokens);
        if (plans[bucket] == null) {
            plans[bucket] = encoder.plan(bucket, options);
        }
        return plans[bucket];
    }

    private void copyIds(MemorySegment ids, int start, int tokens, MemorySegment planIds) {
        int vocabSize = encoder.config().vocabSize();
        for (int i = 0; i < tokens; i++) {
            int id = ids.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, start + i);
            if (id < 0 || id >= vocabSize) {
                throw new IllegalArgumentException("token " + (start + i) + " has id " + id
                        + ", the vocabulary has 0 to " + (vocabSize - 1));
            }
            planIds.setAtIndex(ValueLayout.JAVA_INT, i, id);
        }
        // The rows that fill the bucket are computed too, and what lies there is another plan's: they need valid ids.
        zeroFrom(planIds, tokens);
    }

    /** Element by element: a slice to fill would be an object on the heap whenever the call is not inlined. */
    private static void zeroFrom(MemorySegment values, long first) {
        long count = values.byteSize() / Integer.BYTES;
        for (long i = first; i < count; i++) {
            values.setAtIndex(ValueLayout.JAVA_INT, i, 0);
        }
    }

    private static void fillPositions(MemorySegment offsets, int first, int last, MemorySegment positions) {
        int row = 0;
        for (int i = first; i < last; i++) {
            int length = offset(offsets, i + 1) - offset(offsets, i);
            for (int position = 0; position < length; position++) {
                positions.setAtIndex(ValueLayout.JAVA_INT, row++, position);
            }
        }
        zeroFrom(positions, row);
    }

    private void checkLength(MemorySegment offsets, int sequence) {
        int from = offset(offsets, sequence);
        int to = offset(offsets, sequence + 1);
        if (to < from || from < 0) {
            throw new IllegalArgumentException("offsets decrease at sequence " + sequence + ": " + from + " to " + to);
        }
        if (to - from > encoder.config().maxPositions()) {
            throw new IllegalArgumentException("sequence " + sequence + " has " + (to - from)
                    + " tokens, the model's positions end at " + encoder.config().maxPositions());
        }
    }

    private void requireNative(MemorySegment ids, MemorySegment offsets, int count, MemorySegment dst) {
        if (count < 0) {
            throw new IllegalArgumentException("count must be 0 or more, not " + count);
        }
        require("offsets", offsets, (count + 1L) * Integer.BYTES);
        require("dst", dst, (long) count * encoder.config().hiddenSize() * Float.BYTES);
        if (offset(offsets, 0) != 0) {
            throw new IllegalArgumentException("the first offset must be 0, not " + offset(offsets, 0));
        }
        require("ids", ids, (long) Math.max(0, offset(offsets, count)) * Integer.BYTES);
    }

    private static void require(String name, MemorySegment segment, long byteSize) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException(name + " is on the heap, expected off-heap memory");
        }
        if (segment.byteSize() < byteSize) {
            throw new IllegalArgumentException(name + " has " + segment.byteSize() + " bytes, expected " + byteSize + " or more");
        }
    }

    private static int offset(MemorySegment offsets, long i) {
        return offsets.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i);
    }

    /** How this session computes. */
    public SessionOptions options() {
        return options;
    }

    @Override
    public long nativeByteSize() {
        return context.nativeByteSize();
    }

    /** Frees the session's memory. Closing twice is harmless. */
    @Override
    public void close() {
        if (lifetime.close()) {
            context.close();
        }
    }
}
