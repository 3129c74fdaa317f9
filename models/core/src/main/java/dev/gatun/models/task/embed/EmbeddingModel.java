package dev.gatun.models.task.embed;

import dev.gatun.models.family.bert.BertCheckpoint;
import dev.gatun.models.family.bert.BertEncoder;
import dev.gatun.models.family.bert.EncoderSession;
import dev.gatun.models.family.bert.EncoderSession.SessionOptions;
import dev.gatun.models.tokenize.TextTokenizer;
import dev.gatun.models.runtime.SessionWorkers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

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
    /** Texts of a task: enough to fill chunks, few enough to keep every core busy to the end. */
    private static final int TASK_TEXTS = 32;
    /** A request of fewer characters is computed as one task, on every core at once. */
    private static final int SMALL_REQUEST_CHARACTERS = 400;

    private final BertEncoder encoder;
    private final TextTokenizer tokenizer;
    private final EmbeddingOptions options;
    private final SessionWorkers<EncoderSession> workers;
    private final Arena resultArena = Arena.ofShared();
    private final ResultPool results = new ResultPool(resultArena);
    private boolean closed;

    private EmbeddingModel(BertEncoder encoder, TextTokenizer tokenizer, EmbeddingOptions options) {
        this.encoder = encoder;
        this.tokenizer = tokenizer;
        this.options = options;
        this.workers = new SessionWorkers<>("the embedding model", "gatun-encoder", options.threads(),
                threads -> encoder.newSession(new SessionOptions(threads, options.pooling(), options.normalize())));
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
        BertCheckpoint checkpoint = BertCheckpoint.find(model);
        BertEncoder encoder = checkpoint.load();
        TextTokenizer tokenizer = null;
        try {
            int positions = encoder.config().maxPositions();
            int maxTokens = options.maxTokens() == 0 ? positions : Math.min(options.maxTokens(), positions);
            tokenizer = checkpoint.tokenizer(maxTokens);
            return new EmbeddingModel(encoder, tokenizer, options);
        } catch (RuntimeException | Error e) {
            encoder.close();
            if (tokenizer != null) {
                tokenizer.close();
            }
            throw e;
        }
    }

    /**
     * One vector for each text, in order.
     *
     * @return owned by this model; close it to let its memory be reused
     * @throws IllegalStateException if the model is closed, or the calling thread is interrupted
     * @throws NullPointerException  if a text is null
     */
    public Embeddings embed(List<String> texts) {
        requireOpen();
        for (int i = 0; i < texts.size(); i++) {
            if (texts.get(i) == null) {
                throw new NullPointerException("text " + i + " is null");
            }
        }
        int dimension = dimension();
        MemorySegment block = results.take(Math.max(1, (long) texts.size() * dimension * Float.BYTES));
        boolean done = false;
        try {
            boolean[] truncated = new boolean[texts.size()];
            AtomicLong tokens = new AtomicLong();
            List<Consumer<EncoderSession>> tasks = new ArrayList<>();
            for (int from = 0, to; from < texts.size(); from = to) {
                to = taskEnd(texts, from);
                tasks.add(task(texts, from, to, block, truncated, tokens));
            }
            if (tasks.size() == 1) {
                workers.runWide(tasks.getFirst());
            } else {
                workers.run(tasks);
            }
            Embeddings embeddings = new Embeddings(results, block, texts.size(), dimension, tokens.get(), truncated);
            done = true;
            return embeddings;
        } finally {
            if (!done) {
                results.giveBack(block);
            }
        }
    }

    /** One text's vector. */
    public Embeddings embed(String text) {
        return embed(List.of(text));
    }

    private int taskEnd(List<String> texts, int from) {
        int cores = options.threads();
        int size = Math.clamp(texts.size() / (2L * cores), 1, TASK_TEXTS);
        int to = Math.min(from + size, texts.size());
        if (from == 0 && characters(texts) <= SMALL_REQUEST_CHARACTERS) {
            return texts.size();
        }
        return to;
    }

    private static long characters(List<String> texts) {
        long characters = 0;
        for (String text : texts) {
            characters += text.length();
            if (characters > SMALL_REQUEST_CHARACTERS) {
                break;
            }
        }
        return characters;
    }

    private Consumer<EncoderSession> task(List<String> texts, int from, int to, MemorySegment block,
            boolean[] truncated, AtomicLong tokens) {
        long rowBytes = (long) dimension() * Float.BYTES;
        return session -> {
            List<TextTokenizer.Tokens> encodings = tokenizer.encodeBatch(texts.subList(from, to));
            int count = 0;
            for (TextTokenizer.Tokens encoding : encodings) {
                count += encoding.ids().length;
            }
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment ids = arena.allocate(Math.max(1, count) * (long) Integer.BYTES, Integer.BYTES);
                MemorySegment offsets = arena.allocate((to - from + 1L) * Integer.BYTES, Integer.BYTES);
                int offset = 0;
                for (int i = 0; i < encodings.size(); i++) {
                    int[] row = encodings.get(i).ids();
                    MemorySegment.copy(row, 0, ids, ValueLayout.JAVA_INT, (long) offset * Integer.BYTES, row.length);
                    offset += row.length;
                    offsets.setAtIndex(ValueLayout.JAVA_INT, i + 1L, offset);
                    truncated[from + i] = encodings.get(i).truncated();
                }
                tokens.addAndGet(count);
                session.forward(ids, offsets, to - from, block.asSlice(from * rowBytes, (to - from) * rowBytes));
            }
        };
    }

    /** Elements of a vector. */
    public int dimension() {
        return encoder.config().hiddenSize();
    }

    /** How this model embeds. */
    public EmbeddingOptions options() {
        return options;
    }

    /** The encoder, for callers that bring token ids and their own sessions. It belongs to this model. */
    public BertEncoder encoder() {
        return encoder;
    }

    /** The tokenizer. It belongs to this model. */
    public TextTokenizer tokenizer() {
        return tokenizer;
    }

    /** Bytes of native memory: weights, the workers' activations, and results. */
    public long nativeByteSize() {
        return encoder.nativeByteSize() + workers.nativeByteSize() + results.byteSize();
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
        workers.close();
        encoder.close();
        tokenizer.close();
        freeResults();
    }

    /** Somebody may be writing results to a file just now: the system call holds them, so they are waited for. */
    private void freeResults() {
        while (resultArena.scope().isAlive()) {
            try {
                resultArena.close();
            } catch (IllegalStateException held) {
                LockSupport.parkNanos(1_000_000);
            }
        }
    }
}
