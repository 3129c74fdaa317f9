package dev.gatun.models.encode;

import static dev.gatun.models.runtime.PackedSequences.require;

import dev.gatun.models.layer.EncoderGraph;
import dev.gatun.models.runtime.Buckets;
import dev.gatun.models.runtime.PackedSequences;
import dev.gatun.models.runtime.Session;
import dev.gatun.models.runtime.Workers;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.Plan;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Executes an encoder for one caller: token ids in off-heap memory to rows in off-heap memory, without allocating. Rows are real tokens:
 * sequences are laid end to end in chunks that stay in the processor's cache, and padding is never computed. One thread at a time; the
 * calling thread must be a platform thread. Closing waits for a forward under way.
 */
public final class EncoderSession implements Workers.Session {
    private final Encoder encoder;
    private final Session session;
    /** Computes rows outside of the plan, or null. */
    private final TokenRows.Session outside;
    private final PackedSequences packed;
    private final Buckets buckets;
    private final Plan[] plans;
    /** Lengths of the chunk's sequences: read once from memory that is the caller's. */
    private final int[] lengths;
    /** How many tokens of each the head leaves out. */
    private final int[] skips;

    EncoderSession(Encoder encoder, Session session, TokenRows.Session outside) {
        this.encoder = encoder;
        this.session = session;
        this.outside = outside;
        this.packed = encoder.sequences();
        this.buckets = encoder.buckets();
        this.plans = new Plan[buckets.count()];
        this.lengths = new int[encoder.chunkTokens()];
        this.skips = new int[lengths.length];
    }

    /** Encodes sequences of which all tokens are of type 0; see the other method. */
    public void forward(MemorySegment ids, MemorySegment offsets, int count, MemorySegment dst) {
        forward(ids, MemorySegment.NULL, offsets, count, dst);
    }

    /**
     * Encodes sequences of which the head sees all tokens; see the other method.
     *
     * @throws IllegalArgumentException as the other
     */
    public void forward(MemorySegment ids, MemorySegment types, MemorySegment offsets, int count, MemorySegment dst) {
        forward(ids, types, offsets, MemorySegment.NULL, count, dst);
    }

    /**
     * Encodes sequences. Sequence i is {@code ids[offsets[i] .. offsets[i + 1])}; an empty one gives a row of zeros, or no rows.
     *
     * @param ids     S32 token ids, off-heap, {@code offsets[count]} of them
     * @param types   S32 token types likewise, or {@link MemorySegment#NULL} for 0
     * @param offsets S32, {@code count + 1} of them, off-heap, the first 0, never decreasing
     * @param skips   S32 [count], off-heap: first tokens of each sequence that a {@linkplain Head#skips head} leaves out; or NULL for none
     * @param count   number of sequences
     * @param dst     F32 [count, columns] or, of a head with a row for each token, [offsets[count], columns], off-heap; overwritten
     * @throws IllegalArgumentException if an offset decreases, a sequence is longer than the model's positions, an id or type is not the
     *                                  model's, more tokens are left out than there are, or a segment is too small or on the heap
     * @throws IllegalStateException    if the session or the model is closed, or another thread is executing here
     */
    public void forward(MemorySegment ids, MemorySegment types, MemorySegment offsets, MemorySegment skips, int count, MemorySegment dst) {
        if (count < 0) {
            throw new IllegalArgumentException("count must be 0 or more, not " + count);
        }
        require("offsets", offsets, (count + 1L) * Integer.BYTES);
        int end = offset(offsets, count);
        require("ids", ids, Math.max(0L, end) * Integer.BYTES);
        if (!types.equals(MemorySegment.NULL)) {
            require("types", types, Math.max(0L, end) * Integer.BYTES);
        }
        if (!skips.equals(MemorySegment.NULL)) {
            require("skips", skips, (long) count * Integer.BYTES);
            if (!encoder.head().skips()) {
                throw new IllegalArgumentException("skips of a model whose head sees all tokens");
            }
        }
        require("dst", dst, (encoder.head().perToken() ? Math.max(0L, end) : count) * encoder.head().columns() * Float.BYTES);
        if (offset(offsets, 0) != 0) {
            throw new IllegalArgumentException("the first offset must be 0, not " + offset(offsets, 0));
        }
        session.enter();
        try {
            forwardAll(ids, types, offsets, skips, count, dst);
        } finally {
            session.exit();
        }
    }

    private void forwardAll(MemorySegment ids, MemorySegment types, MemorySegment offsets, MemorySegment left, int count,
            MemorySegment dst) {
        int chunk = encoder.chunkTokens();
        int start = 0;
        int next = count == 0 ? 0 : offset(offsets, 1);
        for (int first = 0; first < count; ) {
            int sequences = 0;
            int end = start;
            // The first one alone may be longer than a chunk.
            do {
                lengths[sequences] = packed.length(first + sequences, end, next);
                skips[sequences] = skip(left, first + sequences, lengths[sequences]);
                end = next;
                sequences++;
                next = first + sequences < count ? offset(offsets, first + sequences + 1) : end;
            } while (first + sequences < count && next - (long) start <= chunk && sequences < lengths.length);
            long row = encoder.head().perToken() ? start : first;
            forwardChunk(ids, types, start, end - start, sequences, dst, row * encoder.head().columns() * Float.BYTES);
            first += sequences;
            start = end;
        }
    }

    /** The rows of dst go by their offset: a slice for a call that is not inlined would be an object on the heap. */
    private void forwardChunk(MemorySegment ids, MemorySegment types, int start, int tokens, int count, MemorySegment dst, long dstOffset) {
        long elements = (long) (encoder.head().perToken() ? tokens : count) * encoder.head().columns();
        if (tokens == 0) {
            for (long i = 0; i < elements; i++) {
                dst.set(ValueLayout.JAVA_FLOAT_UNALIGNED, dstOffset + i * Float.BYTES, 0f);
            }
            return;
        }
        BoundPlan plan = session.bind(plan(outside == null ? tokens : Math.max(tokens, count)));
        MemorySegment sequences = plan.input(EncoderGraph.SEQUENCES).segment();
        PackedSequences.begin(sequences);
        for (int i = 0; i < count; i++) {
            PackedSequences.add(sequences, lengths[i]);
        }
        if (encoder.head().skips()) {
            parts(plan.input(Encoder.PARTS).segment(), count);
        }
        if (outside != null) {
            outside.forward(ids, types, start, lengths, count, plan.input(Encoder.HIDDEN).segment());
        } else {
            tokens(plan, ids, types, start, tokens);
        }
        plan.execute();
        copyRows(plan.output(Encoder.RESULT).segment(), dst, dstOffset, elements / encoder.head().columns());
    }

    private void tokens(BoundPlan plan, MemorySegment ids, MemorySegment types, int start, int tokens) {
        MemorySegment planIds = plan.input(EncoderGraph.IDS).segment();
        packed.ids(ids, start, tokens, planIds);
        if (encoder.hasPositions()) {
            packed.positions(plan.input(EncoderGraph.SEQUENCES).segment(), planIds, plan.input(EncoderGraph.POSITIONS).segment());
        }
        if (encoder.hasTypes()) {
            boolean given = !types.equals(MemorySegment.NULL);
            packed.types(given ? types : ids, start, given ? tokens : 0, plan.input(EncoderGraph.TYPES).segment());
        }
    }

    /** What is left out of each sequence, and the rest. */
    private void parts(MemorySegment parts, int count) {
        PackedSequences.begin(parts);
        for (int i = 0; i < count; i++) {
            PackedSequences.add(parts, skips[i]);
            PackedSequences.add(parts, lengths[i] - skips[i]);
        }
    }

    private static int skip(MemorySegment skips, int sequence, int length) {
        int skip = skips.equals(MemorySegment.NULL) ? 0 : skips.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, sequence);
        if (skip < 0 || skip > length) {
            throw new IllegalArgumentException("sequence " + sequence + " of " + length + " tokens cannot leave out " + skip);
        }
        return skip;
    }

    private void copyRows(MemorySegment result, MemorySegment dst, long dstOffset, long rows) {
        long rowBytes = (long) encoder.head().columns() * Float.BYTES;
        long width = (long) encoder.head().width() * Float.BYTES;
        long begin = encoder.head().skips() ? width : 0;
        long stride = begin + width;
        if (rowBytes == stride) {
            MemorySegment.copy(result, 0, dst, dstOffset, rows * rowBytes);
            return;
        }
        for (long row = 0; row < rows; row++) {
            MemorySegment.copy(result, begin + row * stride, dst, dstOffset + row * rowBytes, rowBytes);
        }
    }

    private Plan plan(int tokens) {
        int bucket = buckets.indexFor(tokens);
        if (plans[bucket] == null) {
            plans[bucket] = encoder.plan(bucket, session.threads());
        }
        return plans[bucket];
    }

    private static int offset(MemorySegment offsets, long i) {
        return offsets.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i);
    }

    /** Threads of each kernel. */
    public int threads() {
        return session.threads();
    }

    @Override
    public long nativeByteSize() {
        return session.nativeByteSize() + (outside == null ? 0 : outside.nativeByteSize());
    }

    /** Frees the session's memory. Closing twice is harmless. */
    @Override
    public void close() {
        session.close();
        if (outside != null) {
            outside.close();
        }
    }
}
