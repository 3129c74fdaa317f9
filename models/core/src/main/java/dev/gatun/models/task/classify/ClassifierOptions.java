package dev.gatun.models.task.classify;

import dev.gatun.bindings.loader.ThreadCount;

/**
 * How a classifier computes.
 *
 * @param threads      cores to use; the default is what the container may use ({@code Runtime.availableProcessors})
 * @param checkWeights whether NaN and infinite weights are refused at load, which reads every element
 */
public record ClassifierOptions(int threads, boolean checkWeights) {
    /** Checks the number. */
    public ClassifierOptions {
        ThreadCount.checked(threads);
    }

    /** Every available core, weights not checked. */
    public static ClassifierOptions defaults() {
        return new ClassifierOptions(ThreadCount.usual(), false);
    }

    /** The same with another number of cores. */
    public ClassifierOptions withThreads(int count) {
        return new ClassifierOptions(count, checkWeights);
    }

    /** The same with weights checked or not. */
    public ClassifierOptions withCheckWeights(boolean check) {
        return new ClassifierOptions(threads, check);
    }
}
