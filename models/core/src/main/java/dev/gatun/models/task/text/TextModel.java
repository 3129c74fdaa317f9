package dev.gatun.models.task.text;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.encode.ClassLabels;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderSession;
import dev.gatun.models.encode.PackedTokens;
import dev.gatun.models.encode.Shares;
import dev.gatun.models.runtime.Workers;
import dev.gatun.models.tokenize.TextTokenizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/**
 * An encoder with a head, its tokenizer and its workers: what all tasks over texts share. Thread-safe; closing waits for calls under way.
 */
final class TextModel implements AutoCloseable {
    private final String owner;
    private final Encoder encoder;
    private final TextTokenizer tokenizer;
    private final ClassLabels labels;
    private final Workers<EncoderSession> workers;
    private volatile boolean closed;

    /**
     * What a task makes of its inputs.
     *
     * @param <I> an input
     * @param <E> a sequence that the model reads: an input is one or several
     * @param <R> the answer to an input
     */
    interface Job<I, E, R> {
        /** About how long an input is, to share inputs evenly. */
        long characters(I input);

        /** The sequences of each input. */
        List<List<E>> encode(List<I> inputs);

        /** The tokens of a sequence. */
        TextTokenizer.Tokens tokens(E sequence);

        /** Reads what the model computed for an input's sequences; on a worker. */
        R read(I input, List<E> sequences, List<Rows> rows);
    }

    /** A job whose inputs are one sequence each. */
    interface Single<I, R> extends Job<I, TextTokenizer.Tokens, R> {
        /** The sequence of each input. */
        List<TextTokenizer.Tokens> tokenize(List<I> inputs);

        /** Reads what the model computed. */
        R read(I input, TextTokenizer.Tokens tokens, Rows rows);

        @Override
        default List<List<TextTokenizer.Tokens>> encode(List<I> inputs) {
            return tokenize(inputs).stream().map(List::of).toList();
        }

        @Override
        default TextTokenizer.Tokens tokens(TextTokenizer.Tokens sequence) {
            return sequence;
        }

        @Override
        default R read(I input, List<TextTokenizer.Tokens> sequences, List<Rows> rows) {
            return read(input, sequences.getFirst(), rows.getFirst());
        }
    }

    private TextModel(String owner, Encoder encoder, TextTokenizer tokenizer, ClassLabels labels, TextOptions options) {
        this.owner = owner;
        this.encoder = encoder;
        this.tokenizer = tokenizer;
        this.labels = labels;
        this.workers = new Workers<>(owner, "gatun-text", options.threads(), encoder::newSession);
    }

    /**
     * Takes over an encoder, which is closed with this, or if its tokenizer cannot be loaded.
     *
     * @param owner what messages call it, as in "the classifier"
     */
    static TextModel of(String owner, Checkpoint checkpoint, Encoder encoder, TextOptions options) {
        TextTokenizer tokenizer = null;
        try {
            int positions = encoder.spec().maxLength();
            int wanted = options.maxTokens();
            tokenizer = TextTokenizer.load(checkpoint.folder(),
                    new TextTokenizer.Limit(wanted == 0 ? positions : Math.min(wanted, positions), wanted == 0));
            return new TextModel(owner, encoder, tokenizer, ClassLabels.of(checkpoint), options);
        } catch (RuntimeException | Error e) {
            encoder.close();
            if (tokenizer != null) {
                tokenizer.close();
            }
            throw e;
        }
    }

    /** Computes inputs on every core. */
    <I, E, R> List<R> run(List<I> inputs, Job<I, E, R> job) {
        if (closed) {
            throw new IllegalStateException(owner + " is closed");
        }
        for (int i = 0; i < inputs.size(); i++) {
            Objects.requireNonNull(inputs.get(i), "input " + i + " is null");
        }
        List<int[]> shares = Shares.of(inputs.size(), workers.cores(), i -> job.characters(inputs.get(i)));
        List<Function<EncoderSession, List<R>>> tasks = new ArrayList<>();
        for (int[] share : shares) {
            tasks.add(session -> compute(session, inputs.subList(share[0], share[1]), share[0], job));
        }
        List<List<R>> results = tasks.size() == 1 ? List.of(workers.runWide(tasks.getFirst())) : workers.run(tasks);
        return results.stream().flatMap(List::stream).toList();
    }

    private <I, E, R> List<R> compute(EncoderSession session, List<I> inputs, int first, Job<I, E, R> job) {
        List<List<E>> encoded = job.encode(inputs);
        List<TextTokenizer.Tokens> all = encoded.stream().flatMap(List::stream).map(job::tokens).toList();
        boolean perToken = encoder.head().perToken();
        int columns = encoder.head().columns();
        try (Arena arena = Arena.ofConfined()) {
            PackedTokens packed = PackedTokens.of(arena, encoder, all.stream().map(TextTokenizer.Tokens::ids).toList(),
                    all.stream().map(TextTokenizer.Tokens::types).toList(), first);
            long rows = perToken ? packed.tokens() : packed.count();
            MemorySegment dst = arena.allocate(Math.max(1, rows) * columns * Float.BYTES, 64);
            session.forward(packed.ids(), packed.types(), packed.offsets(), packed.count(), dst);
            List<R> results = new ArrayList<>();
            long row = 0;
            for (int i = 0; i < inputs.size(); i++) {
                List<Rows> own = new ArrayList<>();
                for (E sequence : encoded.get(i)) {
                    int count = perToken ? job.tokens(sequence).ids().length : 1;
                    own.add(new Rows(dst, row, count, columns));
                    row += count;
                }
                results.add(job.read(inputs.get(i), encoded.get(i), own));
            }
            return results;
        }
    }

    TextTokenizer tokenizer() {
        return tokenizer;
    }

    Encoder encoder() {
        return encoder;
    }

    ClassLabels labels() {
        return labels;
    }

    long nativeByteSize() {
        return encoder.nativeByteSize() + workers.nativeByteSize();
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        workers.close();
        encoder.close();
        tokenizer.close();
    }
}
