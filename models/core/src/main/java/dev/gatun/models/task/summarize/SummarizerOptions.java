package dev.gatun.models.task.summarize;

import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.tensor.Precision;
import java.util.Objects;

/**
 * How a summarizer is loaded.
 *
 * @param threads   cores to use; the default is what the container may use ({@code Runtime.availableProcessors})
 * @param maxTokens longer texts are cut at sentences, special tokens included; 0: at what the model reads at most
 * @param prefix    before each text, as a T5's task; null: as the folder says, or none
 * @param precision of linear layers: F32 unless said otherwise
 */
public record SummarizerOptions(int threads, int maxTokens, String prefix, Precision precision) {
    /** Checks the numbers. */
    public SummarizerOptions {
        ThreadCount.checked(threads);
        Objects.requireNonNull(precision, "precision");
        if (maxTokens < 0) {
            throw new IllegalArgumentException("maxTokens must be 0 or more, not " + maxTokens);
        }
    }

    /** Every available core, all else as the folder says. */
    public static SummarizerOptions defaults() {
        return new SummarizerOptions(ThreadCount.usual(), 0, null, Precision.F32);
    }

    /** The same with another number of cores. */
    public SummarizerOptions withThreads(int count) {
        return new SummarizerOptions(count, maxTokens, prefix, precision);
    }

    /** The same with another precision of linear layers. */
    public SummarizerOptions withPrecision(Precision other) {
        return new SummarizerOptions(threads, maxTokens, prefix, other);
    }
}
