package dev.gatun.models.runtime;

import dev.gatun.bindings.loader.ThreadCount;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntFunction;

/**
 * Sessions for callers of any kind: one with one thread for each core, for throughput, and one that uses every core, for a request that
 * is not worth dividing.
 *
 * @param <S> the model's sessions, which are closed here, and are to be closed before the model
 */
public final class Workers<S extends Workers.Session> implements AutoCloseable {
    private final ComputeThreads threads;
    private final String owner;
    private final IntFunction<S> open;
    private final int cores;
    private final BlockingQueue<S> single;
    private final Set<S> sessions = new HashSet<>();
    private final Queue<Batcher<S, ?>> batchers = new ConcurrentLinkedQueue<>();
    private final AtomicInteger active = new AtomicInteger();
    /** Opened by the thread that uses every core, when it is first needed. */
    private S wide;
    private boolean closed;

    /** What computes for one caller at a time. */
    public interface Session extends AutoCloseable {
        /** Bytes of native memory that it holds, besides the model's. */
        long nativeByteSize();

        @Override
        void close();
    }

    /** A task without result. */
    public static <S> Function<S, Void> doing(Consumer<S> task) {
        return session -> {
            task.accept(session);
            return null;
        };
    }

    /**
     * Opens the sessions; they take memory when they first compute.
     *
     * @param owner what messages call it, as in "the embedding model"
     * @param name  what threads are called, followed by their number
     * @param cores to use
     * @param open  makes a session with so many threads
     * @throws IllegalArgumentException if cores are less than 1, or more than may be asked for
     */
    public Workers(String owner, String name, int cores, IntFunction<S> open) {
        this.owner = owner;
        this.open = open;
        this.cores = ThreadCount.checked(cores);
        this.single = new ArrayBlockingQueue<>(cores);
        try {
            for (int i = 0; i < cores; i++) {
                single.add(open(1));
            }
        } catch (RuntimeException | Error e) {
            sessions.forEach(Session::close);
            throw e;
        }
        this.threads = new ComputeThreads(owner, name, cores);
    }

    /** How many cores are used. */
    public int cores() {
        return cores;
    }

    /** A session beside the workers' own, for somebody who computes step by step; {@link #close(Session)} frees it. */
    public S open(int threadCount) {
        synchronized (sessions) {
            if (closed) {
                throw new IllegalStateException(owner + " is closed");
            }
            S session = open.apply(threadCount);
            sessions.add(session);
            return session;
        }
    }

    /** Frees what {@link #open} opened. */
    public void close(S session) {
        session.close();
        synchronized (sessions) {
            sessions.remove(session);
        }
    }

    /**
     * Runs all tasks, each on one core, and waits until none is running any more, whatever happens: they write into the caller's memory.
     *
     * @return their results, in order
     * @throws RuntimeException      what the first failing task threw
     * @throws IllegalStateException if the calling thread is interrupted or is one of these workers, or this is closed
     */
    public <T> List<T> run(List<? extends Function<S, T>> tasks) {
        List<Callable<T>> calls = new ArrayList<>(tasks.size());
        for (Function<S, T> task : tasks) {
            calls.add(() -> compute(task, false));
        }
        return threads.run(calls);
    }

    /**
     * Runs one task with every core if nobody else is computing, otherwise with one, and waits until it is not running any more.
     *
     * @return its result
     * @throws RuntimeException      what it threw
     * @throws IllegalStateException if the calling thread is interrupted or is one of these workers, or this is closed
     */
    public <T> T runWide(Function<S, T> task) {
        if (cores == 1 || active.get() > 0) {
            return run(List.of(task)).getFirst();
        }
        return threads.runWide(() -> compute(task, true));
    }

    /** Lets every session do a task once: what that needs is compiled and allocated before the first request. Throws as {@link #run}. */
    public void warmUp(Consumer<S> task) {
        runWide(doing(task));
        // Who comes first takes the session that was given back longest ago: so many tasks meet each once.
        run(Collections.nCopies(cores, doing(task)));
    }

    /** Runs a step of something that has a session of its own, on the thread that may use every core or on one of the others. */
    public <T> T call(boolean onWide, Callable<T> task) {
        return onWide ? threads.runWide(task) : threads.run(task);
    }

    /**
     * What computes requests of many callers together; closed with this.
     *
     * @param forward computes tasks that are ready; what it throws fails all of them
     */
    public <T extends Batcher.Task> Batcher<S, T> batcher(Batching options, BiConsumer<S, List<T>> forward) {
        Batcher<S, T> batcher = new Batcher<>(owner, options, this, forward);
        batchers.add(batcher);
        return batcher;
    }

    void execute(Runnable task) {
        threads.execute(task);
    }

    void requireOther(String what) {
        threads.requireOther(what);
    }

    /** Whether nobody computes just now. */
    boolean isIdle() {
        return active.get() == 0;
    }

    /** On a computing thread: with every core if asked for and nobody else computes. */
    <T> T compute(Function<S, T> task, boolean alone) throws InterruptedException {
        int before = active.getAndIncrement();
        try {
            if (alone && before == 0) {
                wide = wide == null ? open(cores) : wide;
                return task.apply(wide);
            }
            S session = single.take();
            try {
                return task.apply(session);
            } finally {
                single.add(session);
            }
        } finally {
            active.getAndDecrement();
        }
    }

    /** Bytes of native memory of all sessions. */
    public long nativeByteSize() {
        synchronized (sessions) {
            return sessions.stream().mapToLong(Session::nativeByteSize).sum();
        }
    }

    /** Waits for tasks under way, then frees the sessions. Closing twice is harmless. */
    @Override
    public void close() {
        threads.requireOther("close");
        batchers.forEach(Batcher::close);
        threads.close();
        synchronized (sessions) {
            closed = true;
            sessions.forEach(Session::close);
            sessions.clear();
        }
    }
}
