package dev.gatun.models.task.translate;

import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.checkpoint.ModelPath;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.family.transformer.Seq2SeqConfig;
import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.generate.Generated;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.GenerationSession;
import dev.gatun.models.runtime.Workers;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Texts to texts with a token model. Thread-safe, also for virtual threads; owns its weights, threads and caches, all freed by
 * {@link #close}, which waits for calls under way. Without a folder it is the translator of written dates that ships with
 * Gatun: a language tag (en, de, fr) and a date in any usual form to ISO 8601.
 *
 * <pre>{@code
 * try (var translator = Translator.load()) {
 *     String iso = translator.translate("<de> 3. März 2021"); // 2021-03-03
 * }
 * }</pre>
 */
public final class Translator implements AutoCloseable {
    private static final String DATES = "/dev/gatun/models/dates/";
    /** What the date translator was trained to find before every text: it decides what ambiguous dates mean. */
    private static final List<String> DATE_TAGS = List.of("<en> ", "<de> ", "<fr> ");
    /** Texts of a task: enough for full batches, few enough to keep every core busy to the end. */
    private static final int MIN_TASK_TEXTS = 16;
    private static final int MAX_TASK_TEXTS = 512;
    /**
     * A model whose weights do not fit the caches of a core is worth several cores for one text; a smaller one loses more by waking them.
     */
    private static final long WIDE_WEIGHT_BYTES = 16L << 20;

    private final Seq2SeqModel model;
    private final SequenceTokenizer tokenizer;
    private final int threads;
    private final Workers<GenerationSession> workers;
    private final boolean wide;
    private final List<String> tags;
    private volatile boolean closed;

    private Translator(Seq2SeqModel model, SequenceTokenizer tokenizer, List<String> tags, int threads) {
        this.tags = tags;
        this.model = model;
        this.tokenizer = tokenizer;
        this.threads = threads;
        this.workers = new Workers<>("the translator", "gatun-generation", threads, count -> new GenerationSession(model, count));
        this.wide = threads > 1 && model.nativeByteSize() >= WIDE_WEIGHT_BYTES;
    }

    /** The translator of dates, on every core that the container may use. */
    public static Translator load() {
        return load(Runtime.getRuntime().availableProcessors());
    }

    /** The translator of dates, on so many cores. */
    public static Translator load(int threads) {
        return open(Path.of("dates"), Translator::resource, DATE_TAGS, threads);
    }

    /** {@link #load(Path, int)} on every core that the container may use. */
    public static Translator load(Path folder) {
        return load(folder, Runtime.getRuntime().availableProcessors());
    }

    /**
     * A model of a folder: {@code config.json}, {@code model.safetensors} and, where the config says so, {@code vocabulary.json}. Without
     * tokenizer, texts are token ids with spaces between them.
     *
     * @throws WeightException if a file is missing, damaged or contradicts another
     */
    public static Translator load(Path model, int threads) {
        Path folder = ModelPath.resolve(model);
        if (!Files.isDirectory(folder)) {
            throw new WeightException(folder, "does not exist; expected a model's folder");
        }
        return open(folder, name -> file(folder.resolve(name)), List.of(), threads);
    }

    private static Translator open(Path origin, Function<String, byte[]> files, List<String> tags, int threads) {
        ThreadCount.checked(threads);
        Seq2SeqConfig config = Seq2SeqConfig.parse(origin.resolve("config.json"), files.apply("config.json"));
        SequenceTokenizer tokenizer = config.tokenizer().equals("characters")
                ? CharacterTokenizer.parse(origin.resolve("vocabulary.json"), files.apply("vocabulary.json"), config.tokens())
                : new IdTokenizer(config.tokens().eos());
        try (Arena temporary = Arena.ofShared()) {
            Path weights = origin.resolve("model.safetensors");
            SafetensorsFile source = Files.isRegularFile(weights) ? SafetensorsFile.open(weights, temporary)
                    : SafetensorsFile.parse(weights, copy(temporary, files.apply("model.safetensors")), temporary);
            Seq2SeqModel model = Seq2SeqModel.load(source, config);
            try {
                return new Translator(model, tokenizer, tags, threads);
            } catch (RuntimeException | Error e) {
                model.close();
                throw e;
            }
        }
    }

    private static MemorySegment copy(Arena arena, byte[] bytes) {
        MemorySegment segment = arena.allocate(bytes.length, Long.BYTES);
        segment.copyFrom(MemorySegment.ofArray(bytes));
        return segment;
    }

    private static byte[] resource(String name) {
        try (InputStream in = Translator.class.getResourceAsStream(DATES + name)) {
            if (in == null) {
                throw new IllegalStateException("the jar has no " + DATES + name + "; it was built without the date translator");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] file(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new WeightException(file, "does not exist");
        }
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new WeightException(file, "cannot be read: " + e.getMessage(), e);
        }
    }

    /** The best answer to one text, greedily; an empty text's is empty. */
    public String translate(String text) {
        return translate(List.of(text)).getFirst();
    }

    /** The best answer to each text, greedily, in order. */
    public List<String> translate(List<String> texts) {
        return translate(texts, GenerationOptions.greedy()).stream().map(found -> found.getFirst().text()).toList();
    }

    /**
     * Answers to each text, in order; an empty text has one, which is empty.
     *
     * @return for each text its answers, best first, {@code numReturnSequences} at most
     * @throws IllegalArgumentException if a text is longer than the model's positions, lacks the language that the date translator wants,
     *                                  or an option does not fit the model
     * @throws IllegalStateException    if this translator is closed, or the thread is interrupted
     */
    public List<List<Translation>> translate(List<String> texts, GenerationOptions options) {
        requireOpen();
        List<int[]> sources = new ArrayList<>();
        List<Integer> places = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            if (!texts.get(i).isBlank()) {
                sources.add(source("text " + i, texts.get(i)));
                places.add(i);
            }
        }
        List<List<Translation>> results = new ArrayList<>(Collections.nCopies(texts.size(), List.of(new Translation("", 0))));
        int size = Math.clamp((sources.size() + threads - 1L) / threads, MIN_TASK_TEXTS, MAX_TASK_TEXTS);
        List<Function<GenerationSession, List<List<Generated>>>> tasks = new ArrayList<>();
        for (int from = 0; from < sources.size(); from += size) {
            List<int[]> part = sources.subList(from, Math.min(from + size, sources.size()));
            tasks.add(session -> session.generate(part, options));
        }
        int next = 0;
        boolean single = wide && tasks.size() == 1;
        for (List<List<Generated>> part : single ? List.of(workers.runWide(tasks.getFirst())) : workers.run(tasks)) {
            for (List<Generated> found : part) {
                results.set(places.get(next++), found.stream().map(this::translation).toList());
            }
        }
        return results;
    }

    /**
     * Refuses what {@link #translate} would refuse.
     *
     * @param name of the text in messages, as {@code line 7}
     * @throws IllegalArgumentException if the text is longer than the model's positions, or lacks the language that the date translator
     *                                  wants
     */
    public void check(String name, String text) {
        if (!text.isBlank()) {
            source(name, text);
        }
    }

    private int[] source(String name, String text) {
        if (!tags.isEmpty() && tags.stream().noneMatch(text::startsWith)) {
            throw new IllegalArgumentException(name + " does not begin with its language and a space, " + String.join("or ", tags)
                    + "as in \"<de> 3. M\u00e4rz 2021\"");
        }
        int[] source = tokenizer.encode(text);
        if (source.length > model.tokens().maxPositions()) {
            throw new IllegalArgumentException(name + " has " + source.length + " tokens, the model's positions end at "
                    + model.tokens().maxPositions());
        }
        return source;
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the translator is closed");
        }
    }

    private Translation translation(Generated generated) {
        return new Translation(tokenizer.decode(generated.ids()), generated.score());
    }

    /**
     * The answer to one text, piece by piece, each computed when the stream asks for it. Its session is given back when the stream ends, is
     * closed, or is found to be abandoned.
     *
     * @throws IllegalArgumentException as the other; beams have nothing to stream until they end
     * @throws IllegalStateException    if this translator is closed
     */
    public Stream<String> stream(String text, GenerationOptions options) {
        requireOpen();
        int[] source = text.isBlank() ? new int[0] : source("text 0", text);
        if (source.length == 0) {
            return Stream.empty();
        }
        GenerationSession session = workers.open(wide ? threads : 1);
        PieceStream pieces = new PieceStream(workers, session, wide, tokenizer);
        return pieces.start(source, options);
    }

    /** The model. It belongs to this translator. */
    public Seq2SeqModel model() {
        return model;
    }

    /** The tokenizer. */
    public SequenceTokenizer tokenizer() {
        return tokenizer;
    }

    /** Bytes of native memory: weights, activations and caches. */
    public long nativeByteSize() {
        return model.nativeByteSize() + workers.nativeByteSize();
    }

    /** Waits for calls under way, then frees everything. Closing twice is harmless. */
    @Override
    public void close() {
        workers.close();
        closed = true;
        model.close();
    }
}
