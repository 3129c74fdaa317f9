package dev.gatun.models.classify;

/**
 * How a classifier computes.
 *
 * @param workers      pictures that are worked on at the same time, each by a thread with its own session
 * @param threads      OpenMP threads of each worker
 * @param checkWeights whether NaN and infinite weights are refused at load, which reads every element
 */
public record ClassifierOptions(int workers, int threads, boolean checkWeights) {
    /** Checks the numbers. */
    public ClassifierOptions {
        if (workers < 1 || threads < 1) {
            throw new IllegalArgumentException("workers " + workers + ", threads " + threads + ": both must be 1 or more");
        }
    }

    /** A worker for each core that the container may use. */
    public static ClassifierOptions defaults() {
        return new ClassifierOptions(Runtime.getRuntime().availableProcessors(), 1, false);
    }

    /** The same with other numbers of workers and threads. */
    public ClassifierOptions with(int newWorkers, int newThreads) {
        return new ClassifierOptions(newWorkers, newThreads, checkWeights);
    }

    /** The same with weights checked or not. */
    public ClassifierOptions withCheckWeights(boolean check) {
        return new ClassifierOptions(workers, threads, check);
    }
}
