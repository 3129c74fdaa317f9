package dev.gatun.models.runtime;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Function;
import jdk.jfr.FlightRecorder;

/**
 * Computes requests of many callers together, in the order in which they came: whenever a core is free it takes its share of what waits.
 * A request that comes alone is computed on every core. Callers may be virtual threads.
 * Thread-safe; made and closed by {@link Workers}.
 *
 * @param <S> sessions
 * @param <T> what is computed together
 */
public final class Batcher<S extends Workers.Session, T extends Batcher.Task> {
    private final String owner;
    private final Batching options;
    private final Workers<S> workers;
    private final BiConsumer<S, List<T>> forward;
    private final Deque<Ticket<T, ?>> waiting = new ArrayDeque<>();
    /** Threads that compute a batch or will, those of them that have not begun to take theirs, and those that have not all of it yet. */
    private int lanes;
    private int starting;
    private int gathering;
    private boolean closed;

    /** One request. */
    public interface Task {
        /**
         * Makes it ready, as by tokenizing, on the thread that will compute it. What it throws fails this request alone.
         *
         * @return its tokens
         */
        int prepare();
    }

    /** @param forward computes tasks that are ready; what it throws fails all of them */
    Batcher(String owner, Batching options, Workers<S> workers, BiConsumer<S, List<T>> forward) {
        this.owner = owner;
        this.options = options;
        this.workers = workers;
        this.forward = forward;
    }

    /**
     * A request's result, some time later. Cancelling the future, or {@code orTimeout}, takes the request back: it is not computed any
     * more, and a batch of such requests alone stops before its next operation. What depends on the future without {@code Async} runs on a
     * computing thread and must not block.
     *
     * @param result reads the task, once computed, on a computing thread; what it throws fails this request alone
     * @throws RejectedExecutionException if the queue is full
     * @throws IllegalStateException      if this is closed
     */
    public <R> CompletableFuture<R> submit(T task, Function<T, R> result) {
        Ticket<T, R> ticket = new Ticket<>(owner, task, () -> result.apply(task), false);
        enqueue(List.of(ticket));
        return ticket;
    }

    /**
     * The results of all tasks, in order; waits for them.
     *
     * @throws RuntimeException      what the first that failed threw; the others are cancelled
     * @throws IllegalStateException if the calling thread is interrupted or is a computing one, or this is closed
     */
    public <R> List<R> call(List<? extends T> tasks, Function<T, R> result) {
        workers.requireOther("compute");
        List<Ticket<T, R>> tickets = new ArrayList<>(tasks.size());
        for (T task : tasks) {
            tickets.add(new Ticket<>(owner, task, () -> result.apply(task), true));
        }
        enqueue(tickets);
        List<R> results = new ArrayList<>(tickets.size());
        try {
            for (Ticket<T, R> ticket : tickets) {
                results.add(ticket.get());
            }
            return results;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for " + owner, e);
        } catch (ExecutionException e) {
            throw ComputeThreads.unchecked(e.getCause());
        } finally {
            if (results.size() < tickets.size()) {
                tickets.forEach(ticket -> ticket.cancel(true));
            }
        }
    }

    private synchronized void enqueue(List<? extends Ticket<T, ?>> tickets) {
        if (closed) {
            throw closedException();
        }
        for (Ticket<T, ?> ticket : tickets) {
            if (!ticket.blocking() && waiting.size() >= options.maxQueue()) {
                waiting.removeIf(CompletableFuture::isDone);
                if (waiting.size() >= options.maxQueue()) {
                    throw new RejectedExecutionException(owner + " has " + waiting.size() + " requests waiting, as many as its queue "
                            + "holds: send fewer at a time, or load it with a larger maxQueue (Batching)");
                }
            }
            waiting.add(ticket);
        }
        startLanes();
        notifyAll();
    }

    private IllegalStateException closedException() {
        return new IllegalStateException(owner + " is closed");
    }

    /** Of threads that wait for more, one gathers at a time: two would part what belongs together, and both wait. */
    private void startLanes() {
        boolean patient = !options.maxWait().isZero();
        while (lanes < workers.cores() && starting < waiting.size() && !(patient && gathering > 0)) {
            workers.execute(this::lane);
            lanes++;
            starting++;
            gathering++;
        }
    }

    private synchronized void gathered() {
        gathering--;
        startLanes();
    }

    /** One batch; then others who want this thread have their turn. */
    private void lane() {
        boolean alone = begin();
        List<Ticket<T, ?>> batch = new ArrayList<>();
        try {
            try {
                collect(batch);
            } finally {
                gathered();
            }
            compute(batch, alone);
        } catch (Throwable t) {
            batch.forEach(ticket -> ticket.completeExceptionally(t));
        } finally {
            end();
        }
    }

    /** Whether this is the only request, and may have every core. */
    private synchronized boolean begin() {
        waiting.removeIf(CompletableFuture::isDone);
        return lanes == 1 && (waiting.size() == 1 || !options.maxWait().isZero()) && workers.isIdle();
    }

    private synchronized void end() {
        lanes--;
        startLanes();
        notifyAll();
    }

    /** This thread's share of what waits, made ready. */
    private void collect(List<Ticket<T, ?>> batch) {
        int most = share();
        int tokens = 0;
        long until = 0;
        while (batch.isEmpty() || tokens < options.maxTokens() && batch.size() < most) {
            Ticket<T, ?> ticket = take(until);
            if (ticket == null) {
                return;
            }
            if (batch.isEmpty() && !options.maxWait().isZero()) {
                until = System.nanoTime() - ticket.queuedNanos() + options.maxWait().toNanos();
                most = Integer.MAX_VALUE;
            }
            try {
                ticket.prepare(ticket.task());
                if (!batch.isEmpty() && tokens + ticket.tokens() > options.maxTokens()) {
                    putBack(ticket);
                    return;
                }
                tokens += ticket.tokens();
                batch.add(ticket);
            } catch (RuntimeException | Error e) {
                ticket.completeExceptionally(e);
            }
        }
    }

    private synchronized int share() {
        int free = workers.cores() - (lanes - starting);
        starting--;
        return Math.ceilDiv(waiting.size(), Math.max(1, free));
    }

    /** The next request; if there is none waits for it until a time, 0: not. */
    private synchronized Ticket<T, ?> take(long until) {
        while (true) {
            Ticket<T, ?> ticket = waiting.poll();
            if (ticket != null && !ticket.isDone()) {
                return ticket;
            }
            long nanos = until == 0 ? 0 : until - System.nanoTime();
            if (ticket == null && (nanos <= 0 || closed)) {
                return null;
            }
            try {
                if (ticket == null) {
                    TimeUnit.NANOSECONDS.timedWait(this, nanos);
                }
            } catch (InterruptedException e) {
                return null;
            }
        }
    }

    /** For the next batch. */
    private synchronized void putBack(Ticket<T, ?> ticket) {
        waiting.addFirst(ticket);
        startLanes();
    }

    private void compute(List<Ticket<T, ?>> tickets, boolean alone) throws InterruptedException {
        Ticket.Batch<T> batch = new Ticket.Batch<>(tickets);
        List<Ticket<T, ?>> wanted = tickets.stream().filter(ticket -> !ticket.isDone()).toList();
        try {
            if (!wanted.isEmpty()) {
                // Loading a class of events starts the recorder, which takes as long as a tenth of a model's start.
                BatchEvent event = FlightRecorder.isInitialized() ? BatchEvent.begin(owner, wanted, alone) : null;
                List<T> tasks = wanted.stream().<T>map(Ticket::task).toList();
                workers.compute(Workers.doing(session -> forward.accept(session, tasks)), alone);
                if (event != null) {
                    event.commit();
                }
            }
        } finally {
            batch.end();
        }
        wanted.forEach(Ticket::finish);
    }

    /** Fails what was submitted and is not being computed, and waits for the rest. Closing twice is harmless. */
    void close() {
        List<Ticket<T, ?>> left = new ArrayList<>();
        synchronized (this) {
            closed = true;
            waiting.removeIf(ticket -> !ticket.blocking() && left.add(ticket));
            notifyAll();
        }
        left.forEach(ticket -> ticket.completeExceptionally(closedException()));
        boolean interrupted = false;
        synchronized (this) {
            while (lanes > 0) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
