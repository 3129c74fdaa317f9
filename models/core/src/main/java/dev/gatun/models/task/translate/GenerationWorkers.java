package dev.gatun.models.task.translate;

import dev.gatun.models.generate.GenerationSession;
import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.models.runtime.ComputeThreads;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.function.Function;

/** One session with one thread for each core, for throughput, and one that uses every core, for a request too small to divide. */
final class GenerationWorkers implements AutoCloseable {
    private final GenerativeModel model;
    private final int threads;
    private final ComputeThreads compute;
    private final BlockingQueue<GenerationSession> idle;
    private final Set<GenerationSession> sessions = new HashSet<>();
    /** Made by the wide thread when it is first needed. */
    private GenerationSession wide;

    GenerationWorkers(GenerativeModel model, int threads) {
        this.model = model;
        this.threads = threads;
        this.compute = new ComputeThreads("the translator", "gatun-generation", threads);
        this.idle = new ArrayBlockingQueue<>(threads);
        for (int i = 0; i < threads; i++) {
            idle.add(open(1));
        }
    }

    /** A session beside the workers' own; {@link #close(GenerationSession)} frees it. */
    GenerationSession open(int threads) {
        synchronized (sessions) {
            GenerationSession session = new GenerationSession(model, threads);
            sessions.add(session);
            return session;
        }
    }

    void close(GenerationSession session) {
        session.close();
        synchronized (sessions) {
            sessions.remove(session);
        }
    }

    /**
     * Runs all tasks, each with a session of its own, and waits; results in order.
     *
     * @throws IllegalStateException if the workers are closed, or the caller is interrupted, which cancels the tasks
     */
    <T> List<T> run(List<Function<GenerationSession, T>> tasks) {
        List<Callable<T>> calls = new ArrayList<>(tasks.size());
        for (Function<GenerationSession, T> task : tasks) {
            calls.add(() -> {
                GenerationSession session = idle.take();
                try {
                    return task.apply(session);
                } finally {
                    idle.add(session);
                }
            });
        }
        return compute.run(calls);
    }

    /** Runs one task on every core, after those before it. */
    <T> T runWide(Function<GenerationSession, T> task) {
        return compute.runWide(() -> {
            if (wide == null) {
                wide = open(threads);
            }
            return task.apply(wide);
        });
    }

    /** Runs a step of something that has its own session, on the thread that may use every core or on one of the others. */
    <T> T call(boolean onWide, Callable<T> task) {
        return onWide ? compute.runWide(task) : compute.run(task);
    }

    long nativeByteSize() {
        synchronized (sessions) {
            return sessions.stream().mapToLong(GenerationSession::nativeByteSize).sum();
        }
    }

    /** Waits for tasks under way, then frees the sessions. */
    @Override
    public void close() {
        compute.close();
        synchronized (sessions) {
            sessions.forEach(GenerationSession::close);
        }
    }
}
