package dev.gatun.models.seq2seq;

import dev.gatun.models.generate.Generated;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.GenerationSession;
import dev.gatun.models.runtime.Workers;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A model from text to text, its tokenizer and its workers: what tasks share. Texts that are too long are cut at sentences; what is to be
 * generated is sorted by length and shared out among the cores, each with a session; answers come in the order of the texts. Thread-safe;
 * owns all of it, freed by {@link #close}, which waits for calls under way.
 */
public final class TextToText implements AutoCloseable {
    /** Texts of a task: enough for full batches, few enough to keep every core busy to the end. */
    private static final int MIN_TASK_TEXTS = 16;
    private static final int MAX_TASK_TEXTS = 512;
    /**
     * A model whose weights do not fit the caches of a core is worth several cores for one text; a smaller one loses more by waking them.
     */
    private static final long WIDE_WEIGHT_BYTES = 16L << 20;

    private final String owner;
    private final EncoderDecoder model;
    private final SequenceTokenizer tokenizer;
    private final int threads;
    private final Workers<GenerationSession> workers;
    private final boolean wide;
    private volatile boolean closed;

    /**
     * One answer.
     *
     * @param text  generated
     * @param score log-probability of its tokens divided by tokens ** lengthPenalty; of a text in parts their mean
     */
    public record Answer(String text, double score) {
    }

    /** How texts are read, where it is not the tokenizer's own way: in another language, or after other words. */
    public interface Reader {
        /** The ids of a text. */
        int[] encode(String text);
    }

    /**
     * Takes over a model and its tokenizer.
     *
     * @param owner what messages call it, as "the translator"
     */
    public TextToText(String owner, EncoderDecoder model, SequenceTokenizer tokenizer, int threads) {
        this.owner = owner;
        this.model = model;
        this.tokenizer = tokenizer;
        this.threads = threads;
        this.workers = new Workers<>(owner, "gatun-generation", threads, count -> new GenerationSession(model, count));
        this.wide = threads > 1 && model.nativeByteSize() >= WIDE_WEIGHT_BYTES;
    }

    /** The model. It belongs to this. */
    public EncoderDecoder model() {
        return model;
    }

    /** The tokenizer. It belongs to this. */
    public SequenceTokenizer tokenizer() {
        return tokenizer;
    }

    /** A text, or a part of one, on its way. */
    private record Part(int text, int[] ids) {
    }

    /**
     * Answers to each text, in order; a blank text has one, which is empty.
     *
     * @param maxTokens most tokens of a source, at most the model's positions
     * @param locale    whose sentences a longer text is cut at; null: none is cut, but refused
     * @return for each text its answers, best first
     * @throws IllegalArgumentException if a text is too long and may not be cut, or an option does not fit the model
     * @throws IllegalStateException    if this is closed, or the thread is interrupted
     */
    public List<List<Answer>> answer(List<String> texts, Reader reader, GenerationOptions options, int maxTokens, Locale locale) {
        requireOpen();
        List<Part> parts = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            if (!texts.get(i).isBlank()) {
                for (int[] ids : sources("text " + i, texts.get(i), reader, maxTokens, locale)) {
                    parts.add(new Part(i, ids));
                }
            }
        }
        List<List<Generated>> generated = generate(parts, options);
        List<List<List<Generated>>> found = new ArrayList<>();
        texts.forEach(text -> found.add(new ArrayList<>()));
        for (int i = 0; i < parts.size(); i++) {
            found.get(parts.get(i).text).add(generated.get(i));
        }
        return found.stream().map(this::joined).toList();
    }

    /** Answers texts, which are not cut, in every session; throws as {@link #answer}. */
    public void warmUp(List<String> texts, Reader reader, GenerationOptions options, int maxTokens) {
        requireOpen();
        List<int[]> sources = texts.stream().map(text -> sources("a text", text, reader, maxTokens, null).getFirst()).toList();
        workers.warmUp(session -> session.generate(sources, options));
    }

    private List<int[]> sources(String name, String text, Reader reader, int maxTokens, Locale locale) {
        int[] whole = reader.encode(text);
        if (whole.length <= maxTokens) {
            return List.of(whole);
        }
        if (locale == null) {
            throw new IllegalArgumentException(name + " has " + whole.length + " tokens, the model's positions end at " + maxTokens);
        }
        SentenceParts cutter = new SentenceParts(part -> reader.encode(part).length <= maxTokens, locale);
        return cutter.of(text.strip()).stream().map(reader::encode).toList();
    }

    /**
     * Longest first, so that what is generated together is of like length; in the order of the parts. What is drawn does not depend on
     * the number of cores: tasks are of one size then, and each draws by a seed of its own.
     */
    private List<List<Generated>> generate(List<Part> parts, GenerationOptions options) {
        List<Integer> order = IntStream.range(0, parts.size()).boxed()
                .sorted(Comparator.comparingInt(i -> -parts.get(i).ids.length)).toList();
        int size = options.doSample() ? MIN_TASK_TEXTS
                : Math.clamp((parts.size() + threads - 1L) / threads, MIN_TASK_TEXTS, MAX_TASK_TEXTS);
        List<Function<GenerationSession, List<List<Generated>>>> tasks = new ArrayList<>();
        for (int from = 0; from < order.size(); from += size) {
            List<int[]> batch = order.subList(from, Math.min(from + size, order.size())).stream().map(i -> parts.get(i).ids).toList();
            GenerationOptions how = options.doSample() ? options.toBuilder().seed(options.seed() + tasks.size()).build() : options;
            tasks.add(session -> session.generate(batch, how));
        }
        List<List<Generated>> results = new ArrayList<>(Collections.nCopies(parts.size(), null));
        int next = 0;
        boolean single = wide && tasks.size() == 1;
        for (List<List<Generated>> batch : single ? List.of(workers.runWide(tasks.getFirst())) : workers.run(tasks)) {
            for (List<Generated> found : batch) {
                results.set(order.get(next++), found);
            }
        }
        return results;
    }

    private List<Answer> joined(List<List<Generated>> parts) {
        if (parts.isEmpty()) {
            return List.of(new Answer("", 0));
        }
        int count = parts.stream().mapToInt(List::size).min().orElse(0);
        return IntStream.range(0, count).mapToObj(rank -> new Answer(
                String.join(" ", parts.stream().map(part -> tokenizer.decode(part.get(rank).ids())).toList()),
                parts.stream().mapToDouble(part -> part.get(rank).score()).average().orElse(0))).toList();
    }

    /**
     * The answer to one text, piece by piece, each computed when the stream asks for it. Its session is given back when the stream ends, is
     * closed, or is found to be abandoned.
     *
     * @throws IllegalArgumentException if the text is too long; beams have nothing to stream until they end
     * @throws IllegalStateException    if this is closed
     */
    public Stream<String> stream(String text, Reader reader, GenerationOptions options, int maxTokens) {
        requireOpen();
        if (text.isBlank()) {
            return Stream.empty();
        }
        int[] source = sources("text 0", text, reader, maxTokens, null).getFirst();
        GenerationSession session = workers.open(wide ? threads : 1);
        return new PieceStream(workers, session, wide, tokenizer).start(source, options);
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException(owner + " is closed");
        }
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
        tokenizer.close();
    }
}
