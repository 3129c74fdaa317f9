package dev.gatun.models.runtime;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * The future of one request. Whoever cancels it, or whose deadline passes, takes it out of the queue; a batch of which nobody wants
 * anything any more stops before its next operation.
 */
final class Ticket<T, R> extends CompletableFuture<R> {
    private final String owner;
    private final T task;
    private final Supplier<R> result;
    private final boolean blocking;
    private final long queued = System.nanoTime();
    private volatile Batch<T> batch;
    private int tokens;

    /** Requests that are computed together, by one thread. */
    static final class Batch<T> {
        private final List<Ticket<T, ?>> tickets;
        private Thread runner = Thread.currentThread();

        Batch(List<Ticket<T, ?>> tickets) {
            this.tickets = tickets;
            tickets.forEach(ticket -> ticket.batch = this);
        }

        synchronized void dropped() {
            if (runner != null && tickets.stream().allMatch(CompletableFuture::isDone)) {
                runner.interrupt();
            }
        }

        /** From here on the thread does something else. */
        void end() {
            synchronized (this) {
                runner = null;
            }
            Thread.interrupted();
        }
    }

    /** @param blocking whether a thread waits for it, whom closing waits for */
    Ticket(String owner, T task, Supplier<R> result, boolean blocking) {
        this.owner = owner;
        this.task = task;
        this.result = result;
        this.blocking = blocking;
    }

    T task() {
        return task;
    }

    /** Makes the task ready, once. */
    void prepare(Batcher.Task ready) {
        tokens = tokens == 0 ? ready.prepare() : tokens;
    }

    int tokens() {
        return tokens;
    }

    boolean blocking() {
        return blocking;
    }

    long queuedNanos() {
        return System.nanoTime() - queued;
    }

    /** Takes the result of the task, which was computed. */
    void finish() {
        try {
            complete(result.get());
        } catch (Throwable t) {
            super.completeExceptionally(t);
        }
    }

    @Override
    public boolean cancel(boolean mayInterrupt) {
        boolean cancelled = super.cancel(mayInterrupt);
        dropped();
        return cancelled;
    }

    /** {@link CompletableFuture#orTimeout} gives no reason. */
    @Override
    public boolean completeExceptionally(Throwable failure) {
        boolean passed = failure instanceof TimeoutException && failure.getMessage() == null;
        boolean changed = super.completeExceptionally(passed ? new TimeoutException("the deadline passed " + queuedNanos() / 1_000_000
                + " ms after the request was given to " + owner) : failure);
        dropped();
        return changed;
    }

    private void dropped() {
        Batch<T> computing = batch;
        if (computing != null) {
            computing.dropped();
        }
    }
}
