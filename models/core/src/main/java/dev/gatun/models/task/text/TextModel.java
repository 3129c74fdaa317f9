package dev.gatun.models.task.text;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.encode.ClassLabels;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderSession;
import dev.gatun.models.encode.Rows;
import dev.gatun.models.encode.SequenceTask;
import dev.gatun.models.encode.Shares;
import dev.gatun.models.runtime.Batcher;
import dev.gatun.models.runtime.Workers;
import dev.gatun.models.tokenize.TextTokenizer;
import dev.gatun.models.tokenize.TokenizerAhead;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * An encoder with a head, its tokenizer and its workers: what all tasks over texts share. Thread-safe; closing waits for calls under way.
 */
final class TextModel implements AutoCloseable {
    private final String owner;
    private final Encoder encoder;
    private final TextTokenizer tokenizer;
    private final ClassLabels labels;
    /** A token that does not count at the end of a text, or -1. */
    private final int padId;
    private final Workers<EncoderSession> workers;
    private final Batcher<EncoderSession, SequenceTask<?>> batcher;
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

        /** The sequences of an input. */
        List<E> encode(I input);

        /** The tokens of a sequence. */
        TextTokenizer.Tokens tokens(E sequence);

        /** Reads what the model computed for an input's sequences; on a worker. */
        R read(I input, List<E> sequences, List<Rows> rows);
    }

    /** A job whose inputs are one sequence each. */
    interface Single<I, R> extends Job<I, TextTokenizer.Tokens, R> {
        /** The sequence of an input. */
        TextTokenizer.Tokens tokenize(I input);

        /** Reads what the model computed. */
        R read(I input, TextTokenizer.Tokens tokens, Rows rows);

        @Override
        default List<TextTokenizer.Tokens> encode(I input) {
            return List.of(tokenize(input));
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

    private TextModel(String owner, Encoder encoder, TextTokenizer tokenizer, ClassLabels labels, int padId,
            TextOptions options) {
        this.owner = owner;
        this.padId = padId;
        this.encoder = encoder;
        this.tokenizer = tokenizer;
        this.labels = labels;
        this.workers = new Workers<>(owner, "gatun-text", options.threads(), encoder::newSession);
        this.batcher = workers.batcher(options.batching(), SequenceTask.forward(encoder));
    }

    /**
     * Loads an encoder and, meanwhile, its tokenizer.
     *
     * @param owner what messages call it, as in "the classifier"
     * @param load  an encoder that is closed with this, or if its tokenizer cannot be loaded
     */
    static TextModel of(String owner, Checkpoint checkpoint, Supplier<Encoder> load, TextOptions options) {
        try (TokenizerAhead ahead = new TokenizerAhead(checkpoint.folder(), false)) {
            Encoder encoder = load.get();
            TextTokenizer tokenizer = null;
            try {
                int positions = encoder.spec().maxLength();
                int wanted = options.maxTokens();
                tokenizer = ahead.cut(new TextTokenizer.Limit(wanted == 0 ? positions : Math.min(wanted, positions), wanted == 0));
                tokenizer.requireVocabulary(encoder.spec().vocabSize());
                // Decoders read a text's class at its last token that is not padding, which what follows does not change.
                int padId = encoder.spec().causal() && !encoder.head().perToken() ? checkpoint.fields().integer("pad_token_id", -1,
                        Integer.MAX_VALUE, -1) : -1;
                return new TextModel(owner, encoder, tokenizer, ClassLabels.of(checkpoint), padId, options);
            } catch (RuntimeException | Error e) {
                encoder.close();
                if (tokenizer != null) {
                    tokenizer.close();
                }
                throw e;
            }
        }
    }

    /** Computes inputs on every core. */
    <I, E, R> List<R> run(List<I> inputs, Job<I, E, R> job) {
        requireOpen();
        List<Input<I, E, R>> all = new ArrayList<>(inputs.size());
        for (I input : inputs) {
            all.add(new Input<>(Objects.requireNonNull(input, "input " + all.size() + " is null"), job, all.size()));
        }
        List<int[]> shares = Shares.of(all.size(), workers.cores(), i -> job.characters(all.get(i).input));
        if (shares.size() <= 1) {
            return batcher.call(all, one -> answer(one));
        }
        List<Function<EncoderSession, Void>> tasks = new ArrayList<>();
        for (int[] share : shares) {
            List<Input<I, E, R>> own = all.subList(share[0], share[1]);
            tasks.add(Workers.doing(session -> {
                own.forEach(SequenceTask::prepare);
                SequenceTask.<Input<I, E, R>>forward(encoder).accept(session, own);
            }));
        }
        workers.run(tasks);
        return all.stream().map(SequenceTask::answer).toList();
    }

    /** Computes an input together with those of other callers. */
    <I, E, R> CompletableFuture<R> submit(I input, Job<I, E, R> job) {
        requireOpen();
        Input<I, E, R> task = new Input<>(Objects.requireNonNull(input, "the input is null"), job, 0);
        return batcher.submit(task, one -> answer(one));
    }

    /** Computes texts in every session, each alone and all together. */
    void warmUp(List<String> texts) {
        requireOpen();
        workers.warmUp(session -> {
            List<SequenceTask<?>> tasks = new ArrayList<>();
            for (String text : texts) {
                tasks.add(new SequenceTask<Void>(encoder, tasks.size()) {
                    @Override
                    protected void tokenize() {
                        TextTokenizer.Tokens tokens = tokenizer.encode(text);
                        add(tokens.ids(), tokens.types());
                    }

                    @Override
                    protected Void read(List<Rows> rows) {
                        return null;
                    }
                });
            }
            SequenceTask.warmUp(SequenceTask.forward(encoder), session, tasks);
        });
    }

    /** A ticket's task is what it was made of. */
    @SuppressWarnings("unchecked")
    private static <R> R answer(SequenceTask<?> task) {
        return (R) task.answer();
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException(owner + " is closed");
        }
    }

    /** What is made of one input. */
    private final class Input<I, E, R> extends SequenceTask<R> {
        private final I input;
        private final Job<I, E, R> job;
        private List<E> sequences;

        Input(I input, Job<I, E, R> job, int number) {
            super(encoder, number);
            this.input = input;
            this.job = job;
        }

        @Override
        protected void tokenize() {
            sequences = job.encode(input);
            for (E sequence : sequences) {
                TextTokenizer.Tokens tokens = job.tokens(sequence);
                int end = tokens.ids().length;
                while (padId >= 0 && end > 1 && tokens.ids()[end - 1] == padId) {
                    end--;
                }
                add(Arrays.copyOf(tokens.ids(), end), Arrays.copyOf(tokens.types(), end));
            }
        }

        @Override
        protected R read(List<Rows> rows) {
            return job.read(input, sequences, rows);
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
