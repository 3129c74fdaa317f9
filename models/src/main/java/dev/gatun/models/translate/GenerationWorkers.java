package dev.gatun.models.translate;

import dev.gatun.models.generation.GenerationSession;
import dev.gatun.models.generation.GenerativeModel;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * The platform threads that generate: one for each core, with a session and one OpenMP thread, for throughput, and one that uses
 * every core, for a request too small to divide. Virtual threads may call: they wait, they do not compute.
 */
final class GenerationWorkers implements AutoCloseable {
    private static final AtomicInteger NUMBER = new AtomicInteger();

    private final GenerativeModel model;
    private final int threads;
    private final ExecutorService executor;
    private final ExecutorService wideExecutor;
    private final BlockingQueue<GenerationSession> idle;
    private final Set<GenerationSession> sessions = new HashSet<>();
    /** Made by the wide thread when it is first needed. */
    private GenerationSession wide;

    GenerationWorkers(GenerativeModel model, int threads) {
        this.model = model;
        this.threads = threads;
        this.executor = Executors.newFixedThreadPool(threads, GenerationWorkers::thread);
        this.wideExecutor = Executors.newSingleThreadExecutor(GenerationWorkers::thread);
        this.idle = new ArrayBlockingQueue<>(threads);
        for (int i = 0; i < threads; i++) {
            idle.add(open(1));
        }
    }

    private static Thread thread(Runnable task) {
        Thread thread = new Thread(task, "gatun-generation-" + NUMBER.incrementAndGet());
        thread.setDaemon(true);
        return thread;
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
        List<Future<T>> futures = new ArrayList<>();
        for (Function<GenerationSession, T> task : tasks) {
            futures.add(submit(executor, () -> {
                GenerationSession session = idle.take();
                try {
                    return task.apply(session);
                } finally {
                    idle.add(session);
                }
            }));
        }
        List<T> results = new ArrayList<>();
        try {
            for (Future<T> future : futures) {
                results.add(get(future));
            }
            return results;
        } finally {
            futures.forEach(future -> future.cancel(true));
        }
    }

    /** Runs one task on every core, after those before it. */
    <T> T runWide(Function<GenerationSession, T> task) {
        return call(true, () -> {
            if (wide == null) {
                wide = open(threads);
            }
            return task.apply(wide);
        });
    }

    /** Runs a step of something that has its own session, on the thread that may use every core or on one of the others. */
    <T> T call(boolean onWide, Callable<T> task) {
        Future<T> future = submit(onWide ? wideExecutor : executor, task);
        try {
            return get(future);
        } finally {
            future.cancel(true);
        }
    }

    private static <T> Future<T> submit(ExecutorService executor, Callable<T> task) {
        try {
            return executor.submit(task);
        } catch (RejectedExecutionException e) {
            throw new IllegalStateException("the translator is closed", e);
        }
    }

    private static <T> T get(Future<T> future) {
        try {
            return future.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while generating", e);
        } catch (ExecutionException e) {
            throw switch (e.getCause()) {
                case RuntimeException runtime -> runtime;
                case Error error -> throw error;
                case null, default -> new IllegalStateException(e.getCause());
            };
        }
    }

    long nativeByteSize() {
        synchronized (sessions) {
            return sessions.stream().mapToLong(GenerationSession::nativeByteSize).sum();
        }
    }

    /** Waits for tasks under way, then frees the sessions. */
    @Override
    public void close() {
        executor.shutdown();
        wideExecutor.shutdown();
        boolean interrupted = false;
        boolean ended = false;
        while (!ended) {
            try {
                ended = executor.awaitTermination(1, TimeUnit.DAYS) && wideExecutor.awaitTermination(1, TimeUnit.DAYS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        synchronized (sessions) {
            sessions.forEach(GenerationSession::close);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
