package dev.gatun.models.task.embed;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.sentence.SentenceFolder;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderFamily;
import dev.gatun.models.encode.EncoderSession;
import dev.gatun.models.encode.HeadKind;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.encode.Rows;
import dev.gatun.models.encode.SequenceTask;
import dev.gatun.models.encode.Shares;
import dev.gatun.models.encode.Tower;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.runtime.Batcher;
import dev.gatun.models.runtime.Workers;
import dev.gatun.models.task.embed.Prompts.Prompt;
import dev.gatun.models.tokenize.TextTokenizer;
import dev.gatun.models.tokenize.TokenizerAhead;
import dev.gatun.models.tokenize.Window;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/**
 * Texts to vectors with a BERT-family encoder. Thread-safe; owns its weights, threads and results, all native and
 * all freed by {@link #close}, which waits for calls under way.
 *
 * <pre>{@code
 * try (var model = EmbeddingModel.load(Path.of("all-MiniLM-L6-v2"))) {
 *     Embeddings e = model.embed(List.of("a cat sat on the mat", "ein Satz"));
 *     float similarity = e.cosine(0, 1);
 * }
 * }</pre>
 */
public final class EmbeddingModel implements AutoCloseable {
    private final Encoder encoder;
    private final TextTokenizer tokenizer;
    private final SentenceFolder folder;
    private final Prompts prompts;
    private final EmbeddingOptions options;
    private final List<String> leftOut;
    private final TaskRoutes routes;
    private final Tower tower;
    private final Workers<EncoderSession> workers;
    private final BiConsumer<EncoderSession, List<Text>> forward;
    private final Batcher<EncoderSession, Text> batcher;
    private final ResultPool results = new ResultPool();
    private boolean closed;

    private EmbeddingModel(Encoder encoder, TextTokenizer tokenizer, SentenceFolder folder, Tower tower, EmbeddingOptions options,
            List<String> leftOut, TaskRoutes routes) {
        this.leftOut = leftOut;
        this.routes = routes;
        this.tower = tower;
        this.folder = folder;
        this.encoder = encoder;
        this.tokenizer = tokenizer;
        this.options = options;
        this.prompts = new Prompts(folder, tokenizer, encoder.head().skips());
        this.workers = new Workers<>("the embedding model", "gatun-encoder", options.threads(),
                encoder::newSession);
        this.forward = SequenceTask.forward(encoder);
        this.batcher = workers.batcher(options.batching(), forward);
    }

    /** {@link #load(Path, EmbeddingOptions)} with the defaults. */
    public static EmbeddingModel load(Path model) {
        return load(model, EmbeddingOptions.defaults());
    }

    /**
     * Loads a model.
     *
     * @param model a Hugging Face folder ({@code config.json}, {@code model.safetensors}, {@code tokenizer.json}), a
     *              folder with {@code model.onnx} and {@code tokenizer.json}, or an ONNX file beside a {@code tokenizer.json}
     * @throws dev.gatun.models.checkpoint.WeightException if a file is missing, damaged or contradicts another
     */
    public static EmbeddingModel load(Path model, EmbeddingOptions options) {
        Checkpoint checkpoint = Checkpoint.open(model, options.route());
        TaskRoutes routes = options.route() == null && checkpoint.routed() ? TaskRoutes.load(model, checkpoint, options) : TaskRoutes.NONE;
        try {
            return load(checkpoint, options, routes);
        } catch (RuntimeException | Error e) {
            routes.close();
            throw e;
        }
    }

    static EmbeddingModel load(Checkpoint checkpoint, EmbeddingOptions options, TaskRoutes routes) {
        EncoderFamily family = Encoders.family(checkpoint);
        List<String> leftOut = HeadKind.leftOut(checkpoint);
        SentenceFolder folder = options.over(SentenceFolder.read(checkpoint));
        if (folder.skipsPrompts() && (options.overlap() >= 0 || folder.poolings().contains(Pooling.WEIGHTEDMEAN))) {
            throw new IllegalArgumentException("include_prompt is false: neither windows nor weightedmean pooling are served without the "
                    + "tokens of a prompt");
        }
        Tower[] tower = new Tower[1];
        try (TokenizerAhead ahead = checkpoint.isStatic() ? TokenizerAhead.bare(checkpoint.folder())
                : new TokenizerAhead(checkpoint.folder(), folder.lowerCase())) {
            Encoder encoder = encoder(family, checkpoint, options, folder, tower);
            TextTokenizer tokenizer = null;
            try {
                tokenizer = ahead.cut(cutAt(options, folder, encoder.spec().maxLength()));
                tokenizer.requireVocabulary(encoder.spec().vocabSize());
                if (tower[0] != null && tower[0].pads()) {
                    tokenizer.requireSeenPadding();
                }
                return new EmbeddingModel(encoder, tokenizer, folder, tower[0], options, leftOut, routes);
            } catch (RuntimeException | Error e) {
                encoder.close();
                if (tokenizer != null) {
                    tokenizer.close();
                }
                throw e;
            }
        }
    }

    /** @param tower receives what the model is a part of, if it is one */
    private static Encoder encoder(EncoderFamily family, Checkpoint checkpoint, EmbeddingOptions options, SentenceFolder folder,
            Tower[] tower) {
        try (Arena files = Arena.ofShared()) {
            return family.load(checkpoint, options.precision(), described -> {
                tower[0] = described.tower();
                if (tower[0] != null && (options.pooling() != null || options.overlap() >= 0)) {
                    throw new IllegalArgumentException("a text tower of " + described.spec().name()
                            + " says itself how its tokens become a vector: neither pooling nor windows can be chosen");
                }
                return SentenceHead.of(folder, described, files, options.dimension());
            });
        }
    }

    /** 0 leaves it to the tokenizer's own settings, within the model's positions. */
    private static TextTokenizer.Limit cutAt(EmbeddingOptions options, SentenceFolder folder, int positions) {
        int wanted = options.maxTokens() != 0 ? options.maxTokens() : folder.maxTokens();
        return new TextTokenizer.Limit(wanted == 0 ? positions : Math.min(wanted, positions), wanted == 0);
    }

    /**
     * One vector for each text, in order.
     *
     * @return owned by this model; close it to let its memory be reused
     * @throws IllegalStateException if the model is closed, or the calling thread is interrupted
     * @throws NullPointerException  if a text is null
     */
    public Embeddings embed(List<String> texts) {
        return embed(texts, prompts.usual());
    }

    /**
     * Vectors of what is searched for: texts get the prompt {@code query}, if the folder has one, otherwise the default one; they take the
     * route of queries, if it has a Router.
     *
     * @throws IllegalStateException as {@link #embed}, and if the folder's Router has no such route
     */
    public Embeddings embedQueries(List<String> texts) {
        EmbeddingModel other = routes.of("query");
        return other == null ? embed(texts, prompts.firstOf("query")) : other.embedQueries(texts);
    }

    /**
     * Vectors of what is searched: texts get the prompt {@code document}, {@code passage} or {@code corpus}, if the folder has one; they
     * take the route of documents, if it has a Router.
     *
     * @throws IllegalStateException as {@link #embedQueries}
     */
    public Embeddings embedDocuments(List<String> texts) {
        EmbeddingModel other = routes.of("document");
        return other == null ? embed(texts, prompts.firstOf("document", "passage", "corpus")) : other.embedDocuments(texts);
    }

    /** Takes vectors batch by batch. */
    @FunctionalInterface
    public interface Sink {
        /**
         * Takes a batch, in the thread that called {@code embed}; it may use the model.
         *
         * @param first   place of the batch's first text among all
         * @param texts   of the batch
         * @param vectors of the same texts in the same order; closed when this returns
         * @return whether to go on
         */
        boolean take(long first, List<String> texts, Embeddings vectors);
    }

    /**
     * One vector for each of any number of texts, in order: as many as a batch has are held at a time, and a batch is read when the one
     * before it is taken.
     *
     * @param texts read in the calling thread; they may be computed by this model
     * @param batch texts that are embedded together, some hundreds to keep every core busy
     * @param sink  takes each batch, and says whether to go on
     * @return how many texts were embedded
     * @throws IllegalStateException if the model is closed, or the calling thread is interrupted
     * @throws NullPointerException  if a text is null
     */
    public long embed(Iterator<String> texts, int batch, Sink sink) {
        if (batch < 1) {
            throw new IllegalArgumentException("batch must be 1 or more, not " + batch);
        }
        long done = 0;
        boolean more = true;
        while (more && texts.hasNext()) {
            List<String> pending = new ArrayList<>();
            while (pending.size() < batch && texts.hasNext()) {
                pending.add(texts.next());
            }
            try (Embeddings vectors = embed(pending)) {
                more = sink.take(done, Collections.unmodifiableList(pending), vectors);
            }
            done += pending.size();
        }
        return done;
    }

    /** {@link #embed(Iterator, int, Sink)} of a stream, which is not closed. */
    public long embed(Stream<String> texts, int batch, Sink sink) {
        return embed(texts.iterator(), batch, sink);
    }

    /** The list is copied: it may be lazy, or be changed by its owner, and the workers read it. */
    private Embeddings embed(List<String> list, Prompt before) {
        requireOpen();
        List<Text> texts = new ArrayList<>(list.size());
        for (String text : list) {
            texts.add(new Text(before, Objects.requireNonNull(text, "text " + texts.size() + " is null"), texts.size()));
        }
        MemorySegment block = results.take(Math.max(1, (long) texts.size() * dimension() * Float.BYTES));
        boolean done = false;
        try {
            List<int[]> shares = Shares.of(texts.size(), options.threads(), i -> texts.get(i).text.length());
            if (shares.size() <= 1) {
                batcher.call(texts, Text::answer);
            } else {
                workers.run(shares.stream().map(share -> Workers.<EncoderSession>doing(session -> {
                    List<Text> own = texts.subList(share[0], share[1]);
                    own.forEach(Text::prepare);
                    forward.accept(session, own);
                })).toList());
            }
            Embeddings embeddings = embeddings(block, texts);
            done = true;
            return embeddings;
        } finally {
            if (!done) {
                results.giveBack(block);
            }
        }
    }

    /**
     * Embeds texts in every session, each alone and all together: what texts as long as these need is compiled and allocated before the
     * first request.
     *
     * @throws IllegalStateException as {@link #embed}
     */
    public void warmUp(List<String> texts) {
        requireOpen();
        routes.warmUp(texts);
        workers.warmUp(session -> {
            List<Text> own = texts.stream().map(text -> new Text(prompts.usual(), text, 0)).toList();
            SequenceTask.warmUp(forward, session, own);
        });
    }

    private Embeddings embeddings(MemorySegment block, List<Text> texts) {
        boolean[] truncated = new boolean[texts.size()];
        long tokens = 0;
        for (int i = 0; i < truncated.length; i++) {
            TextVector vector = texts.get(i).answer();
            MemorySegment.copy(vector.values(), 0, block, ValueLayout.JAVA_FLOAT, (long) i * dimension() * Float.BYTES, dimension());
            truncated[i] = vector.truncated();
            tokens += vector.tokens();
        }
        return new Embeddings(results, block, truncated.length, dimension(), tokens, truncated);
    }

    /** One text's vector. */
    public Embeddings embed(String text) {
        return embed(List.of(text));
    }

    /**
     * One text's vector, computed together with the texts of other callers.
     *
     * @return cancel it, or give it a deadline by {@code orTimeout}, and the text is not computed any more. What depends on it without
     *         {@code Async} runs on a computing thread and must not block
     * @throws java.util.concurrent.RejectedExecutionException if as many texts wait as {@link EmbeddingOptions#batching} allows
     * @throws IllegalStateException                           if this is closed; closing later fails the future
     */
    public CompletableFuture<TextVector> submit(String text) {
        requireOpen();
        return batcher.submit(new Text(prompts.usual(), Objects.requireNonNull(text, "the text is null"), 0), Text::answer);
    }

    /** A text with its prompt, to be computed. */
    private final class Text extends SequenceTask<TextVector> {
        private final Prompt before;
        private final String text;
        private List<TextTokenizer.Tokens> windows;

        Text(Prompt before, String text, int number) {
            super(encoder, number);
            this.before = before;
            this.text = text;
        }

        @Override
        protected void tokenize() {
            String full = before.text() + text;
            TextTokenizer.Tokens whole = tokenizer.encode(full);
            windows = options.overlap() < 0 || !whole.truncated() ? List.of(whole)
                    : tokenizer.windows(full, tokenizer.maxTokens(), options.overlap()).stream().map(Window::tokens).toList();
            windows.forEach(each -> add(tower == null ? each.ids() : tower.ids().of(each.ids(), tokenizer.padId()), null,
                    Math.min(before.tokens(), each.ids().length)));
        }

        @Override
        protected TextVector read(List<Rows> rows) {
            int tokens = windows.stream().mapToInt(each -> each.ids().length).sum();
            boolean whole = windows.size() == 1;
            return new TextVector(whole ? rows.getFirst().row(0) : WindowPool.pool(rows, windows, normalizes()), tokens,
                    whole && windows.getFirst().truncated());
        }
    }

    /** Names of the folder's prompts and their texts. */
    public Map<String, String> prompts() {
        return folder.prompts();
    }

    /** How the folder's vectors are meant to be compared: cosine, dot, euclidean or manhattan. */
    public String similarity() {
        return folder.similarity();
    }

    /** Whether vectors have Euclidean length 1. */
    public boolean normalizes() {
        return folder.normalizes() && encoder.head().width() == encoder.head().columns();
    }

    /** Elements of a vector. */
    public int dimension() {
        return encoder.head().columns();
    }

    /**
     * What the folder has and vectors do not come from, a line for each: the head of a model that was made to classify, tag, rerank or
     * answer, whose encoder alone is used, and the task that runs the head. Empty of a model that was made to embed.
     */
    public List<String> leftOut() {
        return Collections.unmodifiableList(leftOut);
    }

    /** How this model embeds. */
    public EmbeddingOptions options() {
        return options;
    }

    /** The encoder, for callers that bring token ids and their own sessions. It belongs to this model. */
    public Encoder encoder() {
        return encoder;
    }

    /** The tokenizer. It belongs to this model. */
    public TextTokenizer tokenizer() {
        return tokenizer;
    }

    /** Bytes of native memory: weights, the workers' activations, and results. */
    public long nativeByteSize() {
        return encoder.nativeByteSize() + workers.nativeByteSize() + results.byteSize() + routes.nativeByteSize();
    }

    private synchronized void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the embedding model is closed");
        }
    }

    /** Waits for calls under way, then frees everything, results included. Closing twice is harmless. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        routes.close();
        workers.close();
        encoder.close();
        tokenizer.close();
        results.close();
    }
}
