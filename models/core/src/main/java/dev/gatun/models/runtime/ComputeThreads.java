package dev.gatun.models.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Platform threads that compute while their callers wait: some for work that shares out the cores, and one for work that uses them
 * all.
 *
 * <p>Nobody returns to the caller while work of theirs is running, for it writes into the caller's memory.
 */
public final class ComputeThreads implements AutoCloseable {
    /** Compiling inside oneDNN takes more stack than a container's default may leave. */
    private static final long STACK_BYTES = 8L << 20;

    private final String owner;
    private final int count;
    private final ExecutorService shared;
    private final ExecutorService wide;

    /**
     * Threads are started when they are first needed.
     *
     * @param owner what messages call it, as in "the translator"
     * @param name  what threads are called, followed by their number
     * @param count threads beside the one that uses every core
     */
    public ComputeThreads(String owner, String name, int count) {
        AtomicInteger number = new AtomicInteger();
        this.owner = owner;
        this.count = count;
        this.shared = Executors.newFixedThreadPool(count, task -> thread(name + "-" + number.incrementAndGet(), task));
        this.wide = Executors.newSingleThreadExecutor(task -> thread(name + "-wide", task));
    }

    private Thread thread(String name, Runnable task) {
        Thread thread = new Worker(this, task, name);
        thread.setDaemon(true);
        return thread;
    }

    /** A thread that knows whose it is: what it runs must not wait for its own kind. */
    private static final class Worker extends Thread {
        private final ComputeThreads of;

        Worker(ComputeThreads of, Runnable task, String name) {
            super(null, task, name, STACK_BYTES);
            this.of = of;
        }
    }

    /** A callback that uses the model which is calling it would wait for itself. */
    void requireOther(String what) {
        if (Thread.currentThread() instanceof Worker worker && worker.of == this) {
            throw new IllegalStateException(owner + " was asked to " + what + " by a callback that it is waiting for: "
                    + "do that after the call, or in another thread");
        }
    }

    /**
     * Runs a task some time later on one of the threads that share the cores; nobody is told what it throws.
     *
     * @throws IllegalStateException if this is closed
     */
    void execute(Runnable task) {
        try {
            shared.execute(task);
        } catch (RejectedExecutionException e) {
            throw new IllegalStateException(owner + " is closed", e);
        }
    }

    /** One task and what came of it. A future would say that it ended as soon as it is cancelled. */
    private static final class Job<T> implements Runnable {
        private final Callable<T> task;
        private Thread runner;
        private boolean ended;
        private T result;
        private Throwable failure;

        Job(Callable<T> task) {
            this.task = task;
        }

        @Override
        public void run() {
            synchronized (this) {
                if (ended) {
                    return;
                }
                runner = Thread.currentThread();
            }
            T computed = null;
            Throwable thrown = null;
            try {
                computed = task.call();
            } catch (Throwable t) {
                thrown = t;
            }
            end(computed, thrown);
        }

        private synchronized void end(T computed, Throwable thrown) {
            result = computed;
            failure = thrown;
            runner = null;
            ended = true;
            notifyAll();
        }

        /** Not begun, it never does; under way, it is interrupted. */
        synchronized void cancel() {
            if (runner != null) {
                runner.interrupt();
            } else if (!ended) {
                end(null, null);
            }
        }

        synchronized void await() throws InterruptedException {
            while (!ended) {
                wait();
            }
        }
    }

    /**
     * Runs all tasks on the threads that share the cores, and waits. If one fails or the caller is interrupted, those under way are
     * interrupted and waited for, and the others do not begin.
     *
     * @return their results, in order
     * @throws RuntimeException      what the first failing task threw
     * @throws IllegalStateException if the caller is interrupted, or this is closed
     */
    public <T> List<T> run(List<? extends Callable<T>> tasks) {
        return run(shared, tasks);
    }

    /** Runs one task on one of the threads that share the cores, and waits. */
    public <T> T run(Callable<T> task) {
        return run(shared, List.of(task)).getFirst();
    }

    /** Runs one task on the thread that uses every core, after those before it, and waits. */
    public <T> T runWide(Callable<T> task) {
        return run(wide, List.of(task)).getFirst();
    }

    private <T> List<T> run(ExecutorService executor, List<? extends Callable<T>> tasks) {
        requireOther("compute");
        List<Job<T>> jobs = new ArrayList<>(tasks.size());
        tasks.forEach(task -> jobs.add(new Job<>(task)));
        Throwable failure = null;
        boolean interrupted = false;
        Turns turns = new Turns(executor, jobs);
        try {
            for (int i = 0; i < Math.min(count, jobs.size()); i++) {
                executor.execute(turns);
            }
        } catch (RejectedExecutionException e) {
            failure = new IllegalStateException(owner + " is closed", e);
            jobs.forEach(Job::cancel);
        }
        List<T> results = new ArrayList<>(tasks.size());
        for (int i = 0; i < jobs.size(); ) {
            Job<T> job = jobs.get(i);
            try {
                job.await();
                i++;
            } catch (InterruptedException e) {
                interrupted = true;
                failure = failure == null ? new IllegalStateException("interrupted while waiting for " + owner, e) : failure;
                jobs.forEach(Job::cancel);
                continue;
            }
            results.add(job.result);
            if (job.failure != null && failure == null) {
                failure = job.failure;
                jobs.forEach(Job::cancel);
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (failure != null) {
            throw unchecked(failure);
        }
        return results;
    }

    /** One caller's jobs, one after the other: between two of them others who wait for the thread have their turn. */
    private record Turns(ExecutorService executor, List<? extends Job<?>> jobs, AtomicInteger next) implements Runnable {
        Turns(ExecutorService executor, List<? extends Job<?>> jobs) {
            this(executor, jobs, new AtomicInteger());
        }

        @Override
        public void run() {
            for (int i = next.getAndIncrement(); i < jobs.size(); i = next.getAndIncrement()) {
                jobs.get(i).run();
                try {
                    executor.execute(this);
                    return;
                } catch (RejectedExecutionException closing) {
                    // Who closes waits for what was begun.
                }
            }
        }
    }

    /** As it is if nobody needs to declare it. */
    static RuntimeException unchecked(Throwable failure) {
        return switch (failure) {
            case RuntimeException runtime -> runtime;
            case Error error -> throw error;
            default -> new IllegalStateException(failure);
        };
    }

    /** Takes no more tasks, and waits for those that it has. Closing twice is harmless. */
    @Override
    public void close() {
        requireOther("close");
        shared.shutdown();
        wide.shutdown();
        boolean interrupted = false;
        boolean ended = false;
        while (!ended) {
            try {
                ended = shared.awaitTermination(1, TimeUnit.DAYS) && wide.awaitTermination(1, TimeUnit.DAYS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
