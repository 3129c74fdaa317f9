package dev.gatun.models.task.summarize;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ModelPath;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.registry.Seq2Seqs;
import dev.gatun.models.seq2seq.GenerationDefaults;
import dev.gatun.models.seq2seq.HubModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Texts to shorter ones, with BART, Pegasus, T5 and their like, from a folder of Hugging Face's. A document that is longer than the model
 * reads is cut at sentences; its summary is that of its parts, one behind the other. Thread-safe; owns weights, threads and caches, freed
 * by {@link #close}, which waits for calls under way.
 */
public final class Summarizer implements AutoCloseable {
    private final HubModel model;
    private final SummarizerOptions options;
    private final String prefix;

    private Summarizer(HubModel model, SummarizerOptions options) {
        this.model = model;
        this.options = options;
        this.prefix = options.prefix() == null ? model.prefix("summarization") : options.prefix();
        // What does not fit is said now, not at the first request.
        model.maxTokens(options.maxTokens());
        generation().build();
    }

    /** Loads a folder on every core that the container may use, all else as the folder says. */
    public static Summarizer load(Path folder) {
        return load(folder, SummarizerOptions.defaults());
    }

    /**
     * Loads a folder.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if a file is missing, damaged or contradicts another
     * @throws IllegalArgumentException                    if an option does not fit the model
     */
    public static Summarizer load(Path folder, SummarizerOptions options) {
        Checkpoint checkpoint = Checkpoint.open(ModelPath.resolve(folder));
        HubModel model = HubModel.load(checkpoint, Seq2Seqs.family(checkpoint), "the summarizer", options.threads(),
                options.precision());
        try {
            return new Summarizer(model, options);
        } catch (RuntimeException | Error e) {
            model.texts().close();
            throw e;
        }
    }

    /** How the folder says to generate; anew each time, to be changed. */
    public GenerationOptions.Builder generation() {
        return GenerationDefaults.read(model.checkpoint(), model.texts().model().tokens());
    }

    /** The summary of one text; an empty text's is empty. */
    public String summarize(String text) {
        return summarize(List.of(text)).getFirst();
    }

    /** The summary of each text, in order, as the folder says to generate. */
    public List<String> summarize(List<String> texts) {
        return summarize(texts, generation().build());
    }

    /**
     * The same, generated otherwise.
     *
     * @throws IllegalArgumentException if an option does not fit the model
     * @throws IllegalStateException    if this is closed, or the thread is interrupted
     */
    public List<String> summarize(List<String> texts, GenerationOptions how) {
        return model.texts().answer(texts, this::encode, how, model.maxTokens(options.maxTokens()), Locale.ROOT).stream()
                .map(found -> found.getFirst().text()).toList();
    }

    /** Summarizes texts in every session: what texts as long as these need is compiled and allocated before the first request. */
    public void warmUp(List<String> texts) {
        model.texts().warmUp(texts, this::encode, generation().build(), model.maxTokens(options.maxTokens()));
    }

    private int[] encode(String text) {
        return model.tokenizer().encode(prefix + text, null, null);
    }

    /** The longest target, with its start token. */
    public int maxPositions() {
        return model.texts().model().tokens().maxPositions();
    }

    /** Bytes of native memory: weights, activations and caches. */
    public long nativeByteSize() {
        return model.texts().nativeByteSize();
    }

    /** Waits for calls under way, then frees everything. Closing twice is harmless. */
    @Override
    public void close() {
        model.texts().close();
    }
}
