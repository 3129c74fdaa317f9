package dev.gatun.models.task.text;

import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.runtime.Batching;
import dev.gatun.tensor.Precision;
import java.util.Objects;

/**
 * How a task over texts computes.
 *
 * @param threads   cores to use; the default is what the container may use ({@code Runtime.availableProcessors})
 * @param maxTokens longer texts are cut, or read in windows, special tokens included; 0: as the folder says, within the model's positions
 * @param batching  how requests of several callers are computed together
 * @param precision in what linear layers are computed
 */
public record TextOptions(int threads, int maxTokens, Batching batching, Precision precision) {

    /** Checks the numbers. */
    public TextOptions {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be 1 or more, not " + threads);
        }
        if (maxTokens < 0) {
            throw new IllegalArgumentException("maxTokens must be 0 or more, not " + maxTokens);
        }
        Objects.requireNonNull(precision, "precision");
    }

    /** Every available core, lengths as the folder says. */
    public static TextOptions defaults() {
        return new TextOptions(ThreadCount.usual(), 0, Batching.defaults(), Precision.F32);
    }

    /** The same with another number of cores. */
    public TextOptions withThreads(int count) {
        return new TextOptions(count, maxTokens, batching, precision);
    }

    /** The same with texts cut elsewhere. */
    public TextOptions withMaxTokens(int count) {
        return new TextOptions(threads, count, batching, precision);
    }

    /** The same with requests of several callers computed together otherwise. */
    public TextOptions withBatching(Batching other) {
        return new TextOptions(threads, maxTokens, other, precision);
    }

    /** The same with linear layers in another precision. */
    public TextOptions withPrecision(Precision other) {
        return new TextOptions(threads, maxTokens, batching, other);
    }
}
