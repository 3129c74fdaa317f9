package dev.gatun.models.vision;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Platform threads that compute, each with a session of its own: many with one OpenMP thread for throughput, one with
 * all for latency. Virtual threads may call: they wait, they do not compute.
 */
public final class VisionWorkers implements AutoCloseable {
    private static final AtomicInteger NUMBER = new AtomicInteger();

    private final ExecutorService executor;
    private final BlockingQueue<VisionSession> free;
    private final List<VisionSession> sessions = new ArrayList<>();

    /** Workers for the input size that the model was made for; they are to be closed before the model. */
    public VisionWorkers(VisionModel model, int workers, int threads) {
        this.executor = Executors.newFixedThreadPool(workers, task -> {
            Thread thread = new Thread(task, "gatun-vision-" + NUMBER.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        this.free = new ArrayBlockingQueue<>(workers);
        for (int i = 0; i < workers; i++) {
            sessions.add(model.newSession(threads));
        }
        free.addAll(sessions);
    }

    /** Work that needs a session. */
    public interface Task {
        /** Computes on a worker's thread. */
        void run(VisionSession session);
    }

    /** How many tasks run at the same time. */
    public int count() {
        return sessions.size();
    }

    /**
     * Runs all tasks and waits for them.
     *
     * @throws RuntimeException      what the first failing task threw
     * @throws IllegalStateException if the calling thread is interrupted, or this is closed
     */
    public void run(List<? extends Task> tasks) {
        List<Future<?>> futures = new ArrayList<>();
        try {
            for (Task task : tasks) {
                futures.add(executor.submit(() -> compute(task)));
            }
        } catch (java.util.concurrent.RejectedExecutionException e) {
            throw new IllegalStateException("the image workers are closed", e);
        }
        RuntimeException failure = null;
        for (Future<?> future : futures) {
            try {
                future.get();
            } catch (ExecutionException e) {
                failure = failure == null ? unwrap(e) : failure;
            } catch (InterruptedException e) {
                futures.forEach(f -> f.cancel(false));
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while waiting for pictures", e);
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    private void compute(Task task) {
        // There are as many sessions as threads, so one is always free.
        VisionSession session = free.remove();
        try {
            task.run(session);
        } finally {
            free.add(session);
        }
    }

    private static RuntimeException unwrap(ExecutionException e) {
        return switch (e.getCause()) {
            case RuntimeException runtime -> runtime;
            case Error error -> throw error;
            case null, default -> new IllegalStateException(e.getCause());
        };
    }

    /** Bytes of native memory of all sessions. */
    public long nativeByteSize() {
        return sessions.stream().mapToLong(VisionSession::nativeByteSize).sum();
    }

    /** Waits for tasks under way, then frees the sessions. Closing twice is harmless. */
    @Override
    public void close() {
        executor.shutdown();
        boolean interrupted = false;
        while (true) {
            try {
                if (executor.awaitTermination(1, TimeUnit.DAYS)) {
                    break;
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        sessions.forEach(VisionSession::close);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
