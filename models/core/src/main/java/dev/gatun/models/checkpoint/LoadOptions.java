package dev.gatun.models.checkpoint;

import dev.gatun.bindings.loader.ThreadCount;

/**
 * How a model is loaded.
 *
 * @param threads      cores to use; the default is what the container may use ({@code Runtime.availableProcessors})
 * @param checkWeights whether NaN and infinite weights are refused, which reads every element
 */
public record LoadOptions(int threads, boolean checkWeights) {
    /** Checks the number. */
    public LoadOptions {
        ThreadCount.checked(threads);
    }

    /** Every available core, weights not checked. */
    public static LoadOptions defaults() {
        return new LoadOptions(ThreadCount.usual(), false);
    }
}
