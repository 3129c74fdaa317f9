package dev.gatun.models.task.summarize;

import dev.gatun.bindings.loader.ThreadCount;

/**
 * How a summarizer is loaded.
 *
 * @param threads   cores to use; the default is what the container may use ({@code Runtime.availableProcessors})
 * @param maxTokens longer texts are cut at sentences, special tokens included; 0: at what the model reads at most
 * @param prefix    before each text, as a T5's task; null: as the folder says, or none
 */
public record SummarizerOptions(int threads, int maxTokens, String prefix) {
    /** Checks the numbers. */
    public SummarizerOptions {
        ThreadCount.checked(threads);
        if (maxTokens < 0) {
            throw new IllegalArgumentException("maxTokens must be 0 or more, not " + maxTokens);
        }
    }

    /** Every available core, all else as the folder says. */
    public static SummarizerOptions defaults() {
        return new SummarizerOptions(Runtime.getRuntime().availableProcessors(), 0, null);
    }
}
