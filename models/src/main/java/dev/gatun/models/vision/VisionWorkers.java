package dev.gatun.models.vision;

import dev.gatun.models.workers.ComputeThreads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;

/** Sessions for callers of any kind: many with one thread for throughput, one with all for latency. */
public final class VisionWorkers implements AutoCloseable {
    private final ComputeThreads compute;
    private final BlockingQueue<VisionSession> free;
    private final List<VisionSession> sessions = new ArrayList<>();

    /** Workers for the input size that the model was made for; they are to be closed before the model. */
    public VisionWorkers(VisionModel model, int workers, int threads) {
        this.compute = new ComputeThreads("the image model", "gatun-vision", workers);
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
     * Runs all tasks and waits until none is running any more, whatever happens: they write into the caller's memory.
     *
     * @throws RuntimeException      what the first failing task threw
     * @throws IllegalStateException if the calling thread is interrupted, or this is closed
     */
    public void run(List<? extends Task> tasks) {
        List<Callable<Void>> calls = new ArrayList<>(tasks.size());
        for (Task task : tasks) {
            calls.add(() -> compute(task));
        }
        compute.run(calls);
    }

    private Void compute(Task task) {
        // There are as many sessions as threads, so one is always free.
        VisionSession session = free.remove();
        try {
            task.run(session);
        } finally {
            free.add(session);
        }
        return null;
    }

    /** Bytes of native memory of all sessions. */
    public long nativeByteSize() {
        return sessions.stream().mapToLong(VisionSession::nativeByteSize).sum();
    }

    /** Waits for tasks under way, then frees the sessions. Closing twice is harmless. */
    @Override
    public void close() {
        compute.close();
        sessions.forEach(VisionSession::close);
    }
}
