package dev.gatun.models.task.translate;

import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ModelPath;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.family.transformer.Seq2SeqConfig;
import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.registry.Seq2Seqs;
import dev.gatun.models.seq2seq.EncoderDecoder;
import dev.gatun.models.seq2seq.HubModel;
import dev.gatun.models.seq2seq.SequenceTokenizer;
import dev.gatun.models.seq2seq.TextToText;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Texts to texts in another language with a token model: a folder of Hugging Face's (MarianMT, mBART, M2M100, NLLB, T5), or one in Gatun's
 * own format. Thread-safe, also for virtual threads; owns its weights, threads and caches, all freed by {@link #close}, which waits for
 * calls under way. Without a folder it is the translator of written dates that ships with Gatun: a language tag (en, de, fr) and a date
 * in any usual form to ISO 8601.
 *
 * <pre>{@code
 * try (var translator = Translator.load()) {
 *     String iso = translator.translate("<de> 3. März 2021"); // 2021-03-03
 * }
 * try (var translator = Translator.load(folder, TranslatorOptions.defaults().withLanguages("eng_Latn", "deu_Latn"))) {
 *     String text = translator.translate("The cat sat on the mat.");
 * }
 * }</pre>
 */
public final class Translator implements AutoCloseable {
    private static final String DATES = "/dev/gatun/models/dates/";
    /** What the date translator was trained to find before every text: it decides what ambiguous dates mean. */
    private static final List<String> DATE_TAGS = List.of("<en> ", "<de> ", "<fr> ");

    private final TextToText texts;
    private final TextToText.Reader reader;
    private final Supplier<GenerationOptions.Builder> options;
    private final int maxTokens;
    private final Locale locale;
    private final List<String> tags;

    private Translator(TextToText texts, TextToText.Reader reader, Supplier<GenerationOptions.Builder> options, int maxTokens,
            Locale locale, List<String> tags) {
        this.texts = texts;
        this.reader = reader;
        this.options = options;
        this.maxTokens = maxTokens;
        this.locale = locale;
        this.tags = tags;
    }

    /** The translator of dates, on every core that the container may use. */
    public static Translator load() {
        return load(ThreadCount.usual());
    }

    /** The translator of dates, on so many cores. */
    public static Translator load(int threads) {
        return load(TranslatorOptions.defaults().withThreads(threads));
    }

    /**
     * The translator of dates.
     *
     * @throws IllegalArgumentException if the options name a language, a prefix or where texts are cut: it has none of these
     */
    public static Translator load(TranslatorOptions options) {
        return open(Path.of("dates"), Translator::resource, DATE_TAGS, options);
    }

    /** {@link #load(Path, int)} on every core that the container may use. */
    public static Translator load(Path folder) {
        return load(folder, ThreadCount.usual());
    }

    /** {@link #load(Path, TranslatorOptions)} on so many cores. */
    public static Translator load(Path model, int threads) {
        return load(model, TranslatorOptions.defaults().withThreads(threads));
    }

    /**
     * A model of a folder. Of Gatun's own format: {@code config.json}, {@code model.safetensors} and, where the config says so, {@code
     * vocabulary.json}; without tokenizer, texts are token ids with spaces between them. Of Hugging Face's: as downloaded.
     *
     * @throws WeightException          if a file is missing, damaged or contradicts another
     * @throws IllegalArgumentException if the model lacks a language, or translates to several and none is named
     */
    public static Translator load(Path model, TranslatorOptions options) {
        Path folder = ModelPath.resolve(model);
        if (!Files.isDirectory(folder)) {
            throw new WeightException(folder, (Files.exists(folder) ? "is a file" : "does not exist") + "; expected a model's folder");
        }
        Checkpoint checkpoint = Checkpoint.open(folder);
        boolean own = !checkpoint.hasConfig() || checkpoint.architectures().contains(Seq2SeqConfig.ARCHITECTURE)
                || checkpoint.said().isEmpty();
        if (!own) {
            return hub(checkpoint, options);
        }
        return open(folder, name -> file(folder.resolve(name)), List.of(), options);
    }

    private static Translator hub(Checkpoint checkpoint, TranslatorOptions options) {
        HubModel model = HubModel.load(checkpoint, Seq2Seqs.family(checkpoint), "the translator", options.threads(),
                options.precision());
        try {
            TranslationWay way = TranslationWay.of(model, options);
            // What the folder says is looked at now, not at the first request.
            way.options().get().build();
            return new Translator(model.texts(), way.reader(), way.options(), model.maxTokens(options.maxTokens()), way.locale(),
                    List.of());
        } catch (RuntimeException | Error e) {
            model.texts().close();
            throw e;
        }
    }

    private static Translator open(Path origin, Function<String, byte[]> files, List<String> tags, TranslatorOptions how) {
        if (how.source() != null || how.target() != null || how.prefix() != null || how.maxTokens() != 0) {
            throw new IllegalArgumentException("a model of Gatun's own format has no language codes, prefix or max tokens: give none");
        }
        Seq2SeqConfig config = Seq2SeqConfig.parse(origin.resolve("config.json"), files.apply("config.json"));
        SequenceTokenizer tokenizer = config.tokenizer().equals("characters")
                ? CharacterTokenizer.parse(origin.resolve("vocabulary.json"), files.apply("vocabulary.json"), config.tokens())
                : new IdTokenizer(config.tokens().eos());
        try (Arena temporary = Arena.ofShared()) {
            Path weights = origin.resolve("model.safetensors");
            SafetensorsFile source = Files.isRegularFile(weights) ? SafetensorsFile.open(weights, temporary)
                    : SafetensorsFile.parse(weights, copy(temporary, files.apply("model.safetensors")), temporary);
            Seq2SeqModel model = Seq2SeqModel.load(source, config, how.precision());
            try {
                return new Translator(new TextToText("the translator", model, tokenizer, how.threads()), tokenizer::encode,
                        GenerationOptions::builder, config.tokens().maxPositions(), null, tags);
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

    /** The best answer to one text; an empty text's is empty. */
    public String translate(String text) {
        return translate(List.of(text)).getFirst();
    }

    /** The best answer to each text, in order, as the folder says to generate: greedily if it says nothing. */
    public List<String> translate(List<String> texts) {
        return translate(texts, options().build()).stream().map(found -> found.getFirst().text()).toList();
    }

    /** How the folder says to generate, with what the target's language needs; anew each time, to be changed. */
    public GenerationOptions.Builder options() {
        return options.get();
    }

    /**
     * Answers to each text, in order; an empty text has one, which is empty. A text that is longer than the model reads is cut at
     * sentences, unless the model is of Gatun's own format.
     *
     * @return for each text its answers, best first, {@code numReturnSequences} at most
     * @throws IllegalArgumentException if a text is longer than the model's positions, lacks the language that the date translator wants,
     *                                  or an option does not fit the model
     * @throws IllegalStateException    if this translator is closed, or the thread is interrupted
     */
    public List<List<Translation>> translate(List<String> texts, GenerationOptions how) {
        for (int i = 0; i < texts.size(); i++) {
            requireTag("text " + i, texts.get(i));
        }
        return this.texts.answer(texts, reader, how, maxTokens, locale).stream()
                .map(found -> found.stream().map(answer -> new Translation(answer.text(), answer.score())).toList()).toList();
    }

    /**
     * Translates texts in every session: what texts as long as these need is compiled and allocated before the first request.
     *
     * @throws IllegalArgumentException as {@link #translate}, also for a text that would be cut
     * @throws IllegalStateException    as {@link #translate}
     */
    public void warmUp(List<String> texts) {
        this.texts.warmUp(texts, reader, options().build(), maxTokens);
    }

    /**
     * Refuses what {@link #translate} would refuse.
     *
     * @param name of the text in messages, as {@code line 7}
     * @throws IllegalArgumentException if the text is longer than the model's positions and is not cut, or lacks the language that the
     *                                  date translator wants
     */
    public void check(String name, String text) {
        requireTag(name, text);
        if (locale == null && !text.isBlank()) {
            int length = reader.encode(text).length;
            if (length > maxTokens) {
                throw new IllegalArgumentException(name + " has " + length + " tokens, the model's positions end at " + maxTokens);
            }
        }
    }

    private void requireTag(String name, String text) {
        if (!text.isBlank() && !tags.isEmpty() && tags.stream().noneMatch(text::startsWith)) {
            throw new IllegalArgumentException(name + " does not begin with its language and a space, " + String.join("or ", tags)
                    + "as in \"<de> 3. M\u00e4rz 2021\"");
        }
    }

    /**
     * The answer to one text, piece by piece, each computed when the stream asks for it. Its session is given back when the stream ends, is
     * closed, or is found to be abandoned.
     *
     * @throws IllegalArgumentException as the other, also if the text would have to be cut; beams have nothing to stream until they end
     * @throws IllegalStateException    if this translator is closed
     */
    public Stream<String> stream(String text, GenerationOptions how) {
        requireTag("text 0", text);
        return texts.stream(text, reader, how, maxTokens);
    }

    /** The model. It belongs to this translator. */
    public EncoderDecoder model() {
        return texts.model();
    }

    /** The tokenizer. */
    public SequenceTokenizer tokenizer() {
        return texts.tokenizer();
    }

    /** Bytes of native memory: weights, activations and caches. */
    public long nativeByteSize() {
        return texts.nativeByteSize();
    }

    /** Waits for calls under way, then frees everything. Closing twice is harmless. */
    @Override
    public void close() {
        texts.close();
    }
}
