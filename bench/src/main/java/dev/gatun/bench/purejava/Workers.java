package dev.gatun.bench.purejava;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Threads that share a range of indices; the caller takes the first share. */
public final class Workers implements AutoCloseable {
    /** Part of a range. */
    @FunctionalInterface
    public interface Share {
        /** Computes from (inclusive) to (exclusive). */
        void compute(int from, int to);
    }

    private final int threads;
    private final ExecutorService executor;

    /** So many threads, with the caller. */
    public Workers(int threads) {
        this.threads = threads;
        this.executor = threads == 1 ? null : Executors.newFixedThreadPool(threads - 1, Thread.ofPlatform().daemon().factory());
    }

    /** How many, with the caller. */
    int threads() {
        return threads;
    }

    /** Computes 0 to count, each share beginning at a multiple of step. */
    public void run(int count, int step, Share share) {
        int steps = (count + step - 1) / step;
        int shares = Math.min(threads, steps);
        if (shares <= 1) {
            share.compute(0, count);
            return;
        }
        List<Future<?>> others = new ArrayList<>(shares);
        for (int i = 1; i < shares; i++) {
            int from = steps * i / shares * step;
            int to = Math.min(count, steps * (i + 1) / shares * step);
            others.add(executor.submit(() -> share.compute(from, to)));
        }
        share.compute(0, steps / shares * step);
        try {
            for (Future<?> other : others) {
                other.get();
            }
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        if (executor != null) {
            executor.shutdown();
        }
    }
}
