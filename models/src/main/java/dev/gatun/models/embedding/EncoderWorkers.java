package dev.gatun.models.embedding;

import dev.gatun.models.bert.BertEncoder;
import dev.gatun.models.bert.EncoderSession;
import dev.gatun.models.bert.EncoderSession.SessionOptions;
import dev.gatun.models.workers.ComputeThreads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;

/** One session with one thread for each core, for throughput, and one that uses every core, for a request too small to divide. */
final class EncoderWorkers implements AutoCloseable {
    private final ComputeThreads threads;
    private final BlockingQueue<EncoderSession> single;
    private final List<EncoderSession> sessions = new ArrayList<>();
    private final EncoderSession wide;
    private final AtomicInteger active = new AtomicInteger();

    EncoderWorkers(BertEncoder encoder, SessionOptions options) {
        int cores = options.threads();
        this.threads = new ComputeThreads("the embedding model", "gatun-encoder", cores);
        this.single = new ArrayBlockingQueue<>(cores);
        SessionOptions one = new SessionOptions(1, options.pooling(), options.normalize());
        for (int i = 0; i < cores; i++) {
            sessions.add(encoder.newSession(one));
        }
        single.addAll(sessions);
        this.wide = cores == 1 ? sessions.getFirst() : encoder.newSession(options);
    }

    /** Work that needs a session. */
    interface Task {
        void run(EncoderSession session);
    }

    /**
     * Runs all tasks and waits until none is running any more, whatever happens: they write into the caller's memory.
     * A single task gets every core if nobody else is computing.
     *
     * @throws RuntimeException what the first failing task threw
     */
    void run(List<? extends Task> tasks) {
        if (tasks.size() == 1 && active.get() == 0 && wide.options().threads() > 1) {
            threads.runWide(() -> compute(tasks.getFirst(), true));
            return;
        }
        List<Callable<Void>> calls = new ArrayList<>(tasks.size());
        for (Task task : tasks) {
            calls.add(() -> compute(task, false));
        }
        threads.run(calls);
    }

    private Void compute(Task task, boolean alone) throws InterruptedException {
        int before = active.getAndIncrement();
        try {
            if (alone && before == 0) {
                task.run(wide);
                return null;
            }
            EncoderSession session = single.take();
            try {
                task.run(session);
            } finally {
                single.add(session);
            }
            return null;
        } finally {
            active.getAndDecrement();
        }
    }

    long nativeByteSize() {
        long bytes = wide.nativeByteSize();
        for (EncoderSession session : sessions) {
            bytes += session == wide ? 0 : session.nativeByteSize();
        }
        return bytes;
    }

    /** Waits for tasks under way, then frees the sessions. */
    @Override
    public void close() {
        threads.close();
        sessions.forEach(EncoderSession::close);
        wide.close();
    }
}
