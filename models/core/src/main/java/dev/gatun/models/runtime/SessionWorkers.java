package dev.gatun.models.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/**
 * Sessions for callers of any kind: one with one thread for each core, for throughput, and one that uses every core, for a request that
 * is not worth dividing.
 *
 * @param <S> the model's sessions, which are closed here, and are to be closed before the model
 */
public final class SessionWorkers<S extends SessionWorkers.Session> implements AutoCloseable {
    private final ComputeThreads threads;
    private final BlockingQueue<S> single;
    private final List<S> sessions = new ArrayList<>();
    private final S wide;
    private final AtomicInteger active = new AtomicInteger();

    /** What computes for one caller at a time. */
    public interface Session extends AutoCloseable {
        /** Bytes of native memory that it holds, besides the model's. */
        long nativeByteSize();

        @Override
        void close();
    }

    /**
     * Opens the sessions; they take memory when they first compute.
     *
     * @param owner what messages call it, as in "the embedding model"
     * @param name  what threads are called, followed by their number
     * @param cores to use
     * @param open  makes a session with so many OpenMP threads
     */
    public SessionWorkers(String owner, String name, int cores, IntFunction<S> open) {
        this.threads = new ComputeThreads(owner, name, cores);
        this.single = new ArrayBlockingQueue<>(cores);
        for (int i = 0; i < cores; i++) {
            sessions.add(open.apply(1));
        }
        single.addAll(sessions);
        this.wide = cores == 1 ? null : open.apply(cores);
        if (wide != null) {
            sessions.add(wide);
        }
    }

    /** How many cores are used. */
    public int cores() {
        return wide == null ? 1 : sessions.size() - 1;
    }

    /**
     * Runs all tasks, each on one core, and waits until none is running any more, whatever happens: they write into the caller's memory.
     *
     * @throws RuntimeException      what the first failing task threw
     * @throws IllegalStateException if the calling thread is interrupted, or this is closed
     */
    public void run(List<? extends Consumer<S>> tasks) {
        List<Callable<Void>> calls = new ArrayList<>(tasks.size());
        for (Consumer<S> task : tasks) {
            calls.add(() -> compute(task, false));
        }
        threads.run(calls);
    }

    /**
     * Runs one task with every core if nobody else is computing, otherwise with one, and waits until it is not running any more.
     *
     * @throws RuntimeException      what it threw
     * @throws IllegalStateException if the calling thread is interrupted, or this is closed
     */
    public void runWide(Consumer<S> task) {
        if (wide == null || active.get() > 0) {
            run(List.of(task));
        } else {
            threads.runWide(() -> compute(task, true));
        }
    }

    private Void compute(Consumer<S> task, boolean alone) throws InterruptedException {
        int before = active.getAndIncrement();
        try {
            if (alone && before == 0) {
                task.accept(wide);
                return null;
            }
            S session = single.take();
            try {
                task.accept(session);
            } finally {
                single.add(session);
            }
            return null;
        } finally {
            active.getAndDecrement();
        }
    }

    /** Bytes of native memory of all sessions. */
    public long nativeByteSize() {
        return sessions.stream().mapToLong(Session::nativeByteSize).sum();
    }

    /** Waits for tasks under way, then frees the sessions. Closing twice is harmless. */
    @Override
    public void close() {
        threads.close();
        sessions.forEach(Session::close);
    }
}
