package dev.gatun.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/** Keeps workers busy for a while, and says how long each request took. */
final class BenchModelLoad {
    private static final int MAX_REQUESTS = 1 << 20;

    private BenchModelLoad() {
    }

    /** One caller's session: a request is one call. */
    interface Client extends AutoCloseable {
        /** Computes one batch. */
        void request();

        @Override
        void close();
    }

    /**
     * What was measured.
     *
     * @param requests completed
     * @param seconds  from the common start to the last end
     * @param sorted   nanoseconds of each request, ascending
     */
    record Result(long requests, double seconds, long[] sorted) {
        double millis(double quantile) {
            return sorted[Math.clamp((long) Math.ceil(quantile * sorted.length) - 1, 0, sorted.length - 1)] * 1e-6;
        }
    }

    private record Times(long[] nanos, int count, long end) {
    }

    /** Every worker has a client of its own, warms up for a third of the time, and starts with the others. */
    static Result run(int workers, double seconds, Supplier<Client> clients) {
        CountDownLatch ready = new CountDownLatch(workers);
        CountDownLatch go = new CountDownLatch(1);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Times[] times = new Times[workers];
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < workers; i++) {
            int worker = i;
            threads.add(Thread.ofPlatform().daemon().name("gatun-bench-" + i).start(() -> {
                try (Client client = clients.get()) {
                    warmUp(client, seconds / 3);
                    ready.countDown();
                    go.await();
                    times[worker] = measure(client, seconds);
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                    ready.countDown();
                }
            }));
        }
        long start;
        try {
            ready.await();
            start = System.nanoTime();
            go.countDown();
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while measuring", e);
        }
        if (failure.get() != null) {
            throw failure.get() instanceof RuntimeException runtime ? runtime : new IllegalStateException(failure.get());
        }
        return result(times, start);
    }

    private static Result result(Times[] times, long start) {
        long end = Arrays.stream(times).mapToLong(Times::end).max().orElseThrow();
        long[] all = Arrays.stream(times).flatMapToLong(t -> Arrays.stream(t.nanos, 0, t.count)).sorted().toArray();
        return new Result(all.length, (end - start) * 1e-9, all);
    }

    private static void warmUp(Client client, double seconds) {
        long start = System.nanoTime();
        do {
            client.request();
        } while ((System.nanoTime() - start) * 1e-9 < seconds);
    }

    private static Times measure(Client client, double seconds) {
        long[] nanos = new long[MAX_REQUESTS];
        int count = 0;
        long start = System.nanoTime();
        long now = start;
        do {
            long before = now;
            client.request();
            now = System.nanoTime();
            nanos[count++] = now - before;
        } while ((now - start) * 1e-9 < seconds && count < MAX_REQUESTS);
        return new Times(nanos, count, now);
    }
}
