package dev.gatun.models.generate;

import dev.gatun.bindings.kernels.Logits;
import dev.gatun.models.runtime.PackedSequences;
import dev.gatun.models.runtime.Session;
import dev.gatun.models.runtime.Workers;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.Plan;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Generates for one caller: sources are encoded once, packed end to end; prompts are read at once; then one token at a time for all of
 * them together, over a cache of keys and values. Sequences that end leave at once, and waiting sources take their place. In steady
 * state a token costs no Java object. One run at a time, on platform threads; what one source gets does not depend on the others.
 * Owns the cache and its activations; {@link #close} waits for a step under way.
 */
public final class GenerationSession implements Workers.Session {
    /** Sequences that are decoded together by default. */
    public static final int DEFAULT_MAX_ROWS = 128;

    private static final int MAX_ROWS = 1 << 14;
    /** Tokens that a step reads at least, where prompts have so many. */
    private static final int PROMPT_ROWS = 32;

    private final GenerativeModel model;
    private final int threads;
    private final int maxRows;
    private final Arena arena = Arena.ofShared();
    private final Session session;
    private final KvCache cache;
    private final SequencePool pool;
    private final int stepRows;
    private final Plan[] stepPlans;
    private Arena rankingArena;
    private Logits ranking;
    private int rankingRanks;
    private GenerationRun running;
    private GenerationSession assistant;
    private final AtomicBoolean closed = new AtomicBoolean();

    /** A session with {@link #DEFAULT_MAX_ROWS}; see the other constructor. */
    public GenerationSession(GenerativeModel model, int threads) {
        this(model, threads, DEFAULT_MAX_ROWS);
    }

    /**
     * A session.
     *
     * @param threads threads of each kernel
     * @param maxRows sequences that are decoded together at most; a source with beams takes one for each
     */
    public GenerationSession(GenerativeModel model, int threads, int maxRows) {
        if (threads < 1 || maxRows < 1 || maxRows > MAX_ROWS) {
            throw new IllegalArgumentException("threads " + threads + " must be 1 or more, maxRows " + maxRows + " 1 to " + MAX_ROWS);
        }
        this.model = model;
        this.session = model.program().newSession(threads);
        this.threads = threads;
        this.maxRows = maxRows;
        this.cache = new KvCache(model.cacheLayout());
        // Twice the rows, for beams that fork before others are let go, and a source for each.
        this.pool = new SequencePool(arena, cache, 3 * maxRows, Math.max(model.tokens().maxPositions(), model.sourcePositions()));
        this.stepRows = Math.max(maxRows, PROMPT_ROWS);
        this.stepPlans = new Plan[stepRows + 1];
    }

    /** {@link #generate(List, GenerationOptions, TokenListener)} without a listener. */
    public List<List<Generated>> generate(List<int[]> sources, GenerationOptions options) {
        return generate(sources, options, TokenListener.NONE);
    }

    /**
     * Generates for each source, in order.
     *
     * @param sources  token ids of each, exactly what the encoder reads, without padding
     * @param listener hears tokens as they are chosen, and may end a sequence
     * @return for each source its sequences, best first
     * @throws IllegalArgumentException if a source is empty, too long or has ids outside the vocabulary, or an option does not fit the
     *                                  model
     * @throws GenerationException      if the model's scores are not numbers
     * @throws IllegalStateException    if the session or the model is closed, or a run is under way here
     * @throws java.util.concurrent.CancellationException if the thread is interrupted
     */
    public List<List<Generated>> generate(List<int[]> sources, GenerationOptions options, TokenListener listener) {
        return generateFrom(tokens(sources), options, listener);
    }

    private static List<Source> tokens(List<int[]> sources) {
        return sources.stream().<Source>map(Source.Tokens::new).toList();
    }

    /** The same from sources of any kind that the model reads, with prompts. */
    public List<List<Generated>> generateFrom(List<? extends Source> sources, GenerationOptions options, TokenListener listener) {
        try (GenerationRun run = startFrom(sources, options, listener)) {
            boolean more = true;
            while (more) {
                more = run.step();
            }
            return run.results();
        }
    }

    /** Begins a run that the caller drives step by step and closes, at any time; what the others throw for bad input, this throws. */
    public GenerationRun start(List<int[]> sources, GenerationOptions options, TokenListener listener) {
        return startFrom(tokens(sources), options, listener);
    }

    /** The same from sources of any kind that the model reads, with prompts. */
    public synchronized GenerationRun startFrom(List<? extends Source> sources, GenerationOptions options, TokenListener listener) {
        session.enter();
        try {
            if (running != null) {
                throw new IllegalStateException("this generation session has a run under way: one session for each caller");
            }
            running = new GenerationRun(this, sources, options, listener);
            return running;
        } finally {
            session.exit();
        }
    }

    /**
     * The tokens of one source's first sequence, each computed when the stream asks for it. Close the stream to free the cache before its
     * end. The session is busy until the stream ends or is closed.
     */
    public Stream<Integer> stream(int[] source, GenerationOptions options) {
        ArrayDeque<Integer> tokens = new ArrayDeque<>();
        GenerationRun run = start(List.of(source), options, (at, sequence, token) -> {
            if (sequence == 0) {
                tokens.add(token);
            }
            return true;
        });
        Spliterator<Integer> spliterator = new Spliterators.AbstractSpliterator<>(Long.MAX_VALUE,
                Spliterator.ORDERED | Spliterator.NONNULL) {
            private boolean more = true;

            @Override
            public boolean tryAdvance(Consumer<? super Integer> action) {
                while (tokens.isEmpty() && more) {
                    more = run.step();
                    if (!more) {
                        run.close();
                    }
                }
                Integer token = tokens.poll();
                if (token != null) {
                    action.accept(token);
                }
                return token != null;
            }
        };
        return StreamSupport.stream(spliterator, false).onClose(run::close);
    }

    synchronized void finished(GenerationRun run) {
        if (running == run) {
            running = null;
        }
    }

    GenerativeModel model() {
        return model;
    }

    /** Whether a source's ids are such as a target has. */
    boolean sharesVocabulary() {
        return model.sourceVocabSize() == model.tokens().vocabSize();
    }

    int maxRows() {
        return maxRows;
    }

    /** Tokens that a step reads at most: one for each sequence, and what room is left for prompts. */
    int stepRows() {
        return stepRows;
    }

    SequencePool pool() {
        return pool;
    }

    /** Keeps this session open and the caller's alone until {@link #exit}. */
    void enter() {
        session.enter();
    }

    void exit() {
        session.exit();
    }

    boolean isClosed() {
        return session.isClosed();
    }

    /**
     * Encodes a source once, for any number of generations here.
     *
     * @param after sees the encoder's outputs
     * @throws IllegalArgumentException if it is empty, too long, or has ids outside the vocabulary
     * @throws IllegalStateException    if the session or the model is closed, or another thread uses it
     */
    public Encoded encode(Source source, Consumer<BoundPlan> after) {
        session.enter();
        try {
            SourceChecks.check(List.of(source), model);
            Encoded encoded = new Encoded(this, source, pool.takeSource());
            try {
                after.accept(encode(List.of(source), List.of(encoded.table()), source.length()));
                return encoded;
            } catch (RuntimeException | Error e) {
                pool.giveBack(encoded.table());
                throw e;
            }
        } finally {
            session.exit();
        }
    }

    /** Encodes sources of so many positions together; their keys and values go where the tables say. */
    BoundPlan encode(List<? extends Source> chunk, List<BlockTable> tables, int length) {
        BoundPlan plan = session.bind(model.encoder(length, threads));
        MemorySegment sequences = plan.input(GenerativeModel.SOURCE_SEQUENCES).segment();
        MemorySegment addresses = plan.state(GenerativeModel.SOURCE_TABLES).segment();
        PackedSequences.begin(sequences);
        for (int i = 0; i < chunk.size(); i++) {
            tables.get(i).reserve(chunk.get(i).length());
            addresses.setAtIndex(ValueLayout.JAVA_LONG, i, tables.get(i).address());
            PackedSequences.add(sequences, chunk.get(i).length());
        }
        model.fill(plan, chunk);
        plan.execute();
        return plan;
    }

    BoundPlan step(int rows) {
        Plan plan = stepPlans[rows];
        if (plan == null) {
            plan = model.step(rows, threads);
            stepPlans[rows] = plan;
        }
        return session.bind(plan);
    }

    /** Room to rank so many of each row; kept for the next run. */
    Logits ranking(int ranks) {
        if (ranking == null || rankingRanks < ranks) {
            if (rankingArena != null) {
                rankingArena.close();
            }
            rankingArena = Arena.ofShared();
            ranking = new Logits(rankingArena, model.tokens().vocabSize(), stepRows, ranks);
            rankingRanks = ranks;
        }
        return ranking;
    }

    /** Who guesses for a run, or null; the assistant's session is kept for the next one. */
    Guesser guesser(Guess guess, Rules rules, List<Source> sources) {
        return switch (guess) {
            case null -> null;
            case Guess.Lookup lookup -> new Guesser.OfLookup(lookup, sharesVocabulary());
            case Guess.Model model -> {
                if (assistant != null && assistant.model != model.model()) {
                    assistant.close();
                    assistant = null;
                }
                assistant = assistant == null ? new GenerationSession(model.model(), threads, maxRows) : assistant;
                yield new ModelGuesser(assistant, model, rules, sources);
            }
        };
    }

    /** Bytes of the cache that sequences under way hold. */
    public long cacheBytesInUse() {
        return cache.blocksInUse() * model.cacheLayout().blockByteSize() + (assistant == null ? 0 : assistant.cacheBytesInUse());
    }

    /** Bytes of native memory that this session holds, besides the model's: activations, and a cache as large as was ever needed. */
    public long nativeByteSize() {
        return session.nativeByteSize() + cache.nativeByteSize() + (assistant == null ? 0 : assistant.nativeByteSize());
    }

    /** Frees everything once no step is under way. Closing twice is harmless. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            try {
                session.close();
            } catch (IllegalStateException byItsOwnCallback) {
                closed.set(false);
                throw byItsOwnCallback;
            }
            if (assistant != null) {
                assistant.close();
            }
            cache.close();
            if (rankingArena != null) {
                rankingArena.close();
            }
            arena.close();
        }
    }
}
