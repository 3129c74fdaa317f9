package dev.gatun.models.encode;

import dev.gatun.models.runtime.Batcher;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * An input of a task over texts: the sequences that the encoder reads for it, and what is made of their rows. Inputs of several callers are
 * encoded together. One thread at a time.
 *
 * @param <R> the answer
 */
public abstract class SequenceTask<R> implements Batcher.Task {
    private final Encoder encoder;
    private final int number;
    private final List<int[]> ids = new ArrayList<>();
    private final List<int[]> types = new ArrayList<>();
    private final List<Integer> skips = new ArrayList<>();
    private R answer;
    private RuntimeException failure;

    /** @param number of the input among its caller's, for messages */
    protected SequenceTask(Encoder encoder, int number) {
        this.encoder = encoder;
        this.number = number;
    }

    /** Makes sequences of the input, and gives them to {@link #add}. */
    protected abstract void tokenize();

    /** Makes the answer of the rows of each sequence, which are valid until this returns. */
    protected abstract R read(List<Rows> rows);

    /** One more sequence; types null: all are 0, of all inputs of a model. */
    protected final void add(int[] sequenceIds, int[] sequenceTypes) {
        add(sequenceIds, sequenceTypes, 0);
    }

    /** One more sequence, of which so many first tokens are left out by a {@linkplain Head#skips head}. */
    protected final void add(int[] sequenceIds, int[] sequenceTypes, int skip) {
        PackedTokens.require(encoder, sequenceIds, sequenceTypes, number);
        ids.add(sequenceIds);
        types.add(sequenceTypes);
        skips.add(skip);
    }

    @Override
    public final int prepare() {
        tokenize();
        return ids.stream().mapToInt(sequence -> sequence.length).sum();
    }

    /** The answer, once it was encoded; or what reading it threw. */
    public final R answer() {
        if (failure != null) {
            throw failure;
        }
        return answer;
    }

    /** Encodes inputs that are ready, and reads them. */
    public static <T extends SequenceTask<?>> BiConsumer<EncoderSession, List<T>> forward(Encoder encoder) {
        return (session, tasks) -> forward(encoder, session, tasks);
    }

    /** Computes each alone and all together: what that needs is compiled and allocated then. */
    public static <T extends SequenceTask<?>> void warmUp(BiConsumer<EncoderSession, List<T>> forward, EncoderSession session,
            List<T> tasks) {
        tasks.forEach(SequenceTask::prepare);
        tasks.forEach(task -> forward.accept(session, List.of(task)));
        forward.accept(session, tasks);
    }

    private static void forward(Encoder encoder, EncoderSession session, List<? extends SequenceTask<?>> tasks) {
        List<int[]> ids = new ArrayList<>();
        List<int[]> types = new ArrayList<>();
        List<Integer> skips = new ArrayList<>();
        for (SequenceTask<?> task : tasks) {
            ids.addAll(task.ids);
            types.addAll(task.types);
            skips.addAll(task.skips);
        }
        boolean typed = !types.contains(null);
        int[] left = skips.stream().mapToInt(Integer::intValue).toArray();
        boolean perToken = encoder.head().perToken();
        int columns = encoder.head().columns();
        try (Arena arena = Arena.ofConfined()) {
            PackedTokens packed = PackedTokens.of(arena, encoder, ids, typed ? types : null, 0);
            long count = perToken ? packed.tokens() : packed.count();
            MemorySegment dst = arena.allocate(Math.max(1, count) * columns * Float.BYTES, 64);
            session.forward(packed.ids(), packed.types(), packed.offsets(),
                    encoder.head().skips() ? arena.allocateFrom(ValueLayout.JAVA_INT, left) : MemorySegment.NULL, packed.count(), dst);
            long row = 0;
            for (SequenceTask<?> task : tasks) {
                List<Rows> own = new ArrayList<>();
                for (int[] sequence : task.ids) {
                    int rows = perToken ? sequence.length : 1;
                    own.add(new Rows(dst, row, rows, columns));
                    row += rows;
                }
                task.take(own);
            }
        }
    }

    private void take(List<Rows> rows) {
        try {
            answer = read(rows);
        } catch (RuntimeException e) {
            failure = e;
        }
    }
}
