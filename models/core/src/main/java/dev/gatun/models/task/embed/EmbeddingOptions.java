package dev.gatun.models.task.embed;

import dev.gatun.models.family.bert.Pooling;

/**
 * How a model embeds.
 *
 * @param threads   cores to use; the default is what the container may use ({@code Runtime.availableProcessors})
 * @param pooling   how token vectors become one
 * @param normalize whether vectors get Euclidean length 1
 * @param maxTokens longer texts are cut, special tokens included; 0: at the model's positions
 */
public record EmbeddingOptions(int threads, Pooling pooling, boolean normalize, int maxTokens) {

    /** Checks the numbers. */
    public EmbeddingOptions {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be 1 or more, not " + threads);
        }
        if (maxTokens < 0) {
            throw new IllegalArgumentException("maxTokens must be 0 or more, not " + maxTokens);
        }
    }

    /** Every available core, mean pooling, normalized, the model's own length. */
    public static EmbeddingOptions defaults() {
        return new EmbeddingOptions(Runtime.getRuntime().availableProcessors(), Pooling.MEAN, true, 0);
    }

    /** The same with another number of cores. */
    public EmbeddingOptions withThreads(int count) {
        return new EmbeddingOptions(count, pooling, normalize, maxTokens);
    }

    /** The same with another pooling. */
    public EmbeddingOptions withPooling(Pooling other) {
        return new EmbeddingOptions(threads, other, normalize, maxTokens);
    }

    /** The same with or without normalization. */
    public EmbeddingOptions withNormalize(boolean value) {
        return new EmbeddingOptions(threads, pooling, value, maxTokens);
    }
}
