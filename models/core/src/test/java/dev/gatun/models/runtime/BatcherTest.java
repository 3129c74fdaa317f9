package dev.gatun.models.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Requests of many callers, computed together by a model that doubles numbers. */
@Timeout(60)
class BatcherTest {
    private final List<List<Integer>> batches = Collections.synchronizedList(new ArrayList<>());
    private final List<Integer> threads = Collections.synchronizedList(new ArrayList<>());
    private final Semaphore gate = new Semaphore(0);
    private final CountDownLatch entered = new CountDownLatch(1);
    private final AtomicBoolean stopped = new AtomicBoolean();

    /** A session that knows how many threads it has. */
    private record Fake(int threads) implements Workers.Session {
        @Override
        public long nativeByteSize() {
            return 0;
        }

        @Override
        public void close() {
        }
    }

    /** A number of as many tokens; -1 cannot be made ready, -2 not be read. */
    private static final class Number implements Batcher.Task {
        private final int value;
        private long twice;

        Number(int value) {
            this.value = value;
        }

        @Override
        public int prepare() {
            if (value == -1) {
                throw new IllegalArgumentException("no token " + value);
            }
            return Math.max(1, value);
        }

        long twice() {
            if (value == -2) {
                throw new IllegalStateException("unreadable");
            }
            return twice;
        }
    }

    private Workers<Fake> workers(int cores) {
        return new Workers<>("the test", "test", cores, Fake::new);
    }

    private Batcher<Fake, Number> batcher(Workers<Fake> workers, Batching options, boolean gated) {
        return workers.batcher(options, (session, tasks) -> {
            threads.add(session.threads);
            batches.add(tasks.stream().map(task -> task.value).toList());
            entered.countDown();
            try {
                if (gated) {
                    gate.acquire();
                }
            } catch (InterruptedException e) {
                stopped.set(true);
                throw new CancellationException("stopped");
            }
            tasks.forEach(task -> task.twice = 2L * task.value);
        });
    }

    private static final Batching DEFAULTS = Batching.defaults();

    @Test
    void nothingIsLostOrMixedUp() throws Exception {
        int each = Integer.getInteger("gatun.submits", 20_000) / 64;
        AtomicLong wrong = new AtomicLong();
        AtomicLong done = new AtomicLong();
        try (Workers<Fake> workers = workers(2)) {
            Batcher<Fake, Number> batcher = workers.batcher(DEFAULTS.withMaxQueue(64 * 16),
                    (session, tasks) -> tasks.forEach(task -> task.twice = 2L * task.value));
            List<Thread> callers = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                int first = i * each;
                callers.add(Thread.ofVirtual().start(() -> {
                    for (int n = 0; n < each; n += 16) {
                        List<CompletableFuture<Long>> futures = new ArrayList<>();
                        for (int k = n; k < Math.min(n + 16, each); k++) {
                            futures.add(batcher.submit(new Number(first + k), Number::twice));
                        }
                        for (int k = 0; k < futures.size(); k++) {
                            wrong.addAndGet(futures.get(k).join() == 2L * (first + n + k) ? 0 : 1);
                            done.incrementAndGet();
                        }
                    }
                }));
            }
            for (Thread caller : callers) {
                caller.join();
            }
        }
        assertEquals(64L * each, done.get());
        assertEquals(0, wrong.get());
    }

    @Test
    void whatWaitsIsComputedTogetherInOrder() {
        try (Workers<Fake> workers = workers(1)) {
            Batcher<Fake, Number> batcher = batcher(workers, DEFAULTS.withMaxTokens(10), true);
            List<CompletableFuture<Long>> futures = held(batcher, 1, 2, 3, 4, 5, 6, 7);
            gate.release(100);
            futures.forEach(CompletableFuture::join);
            assertEquals(List.of(List.of(1), List.of(2, 3, 4), List.of(5), List.of(6), List.of(7)), batches);
            assertEquals(14, futures.getLast().join());
        }
    }

    /** The first is being computed when the others come. */
    private List<CompletableFuture<Long>> held(Batcher<Fake, Number> batcher, int... values) {
        List<CompletableFuture<Long>> futures = new ArrayList<>();
        for (int value : values) {
            futures.add(batcher.submit(new Number(value), Number::twice));
            join(entered);
        }
        return futures;
    }

    @Test
    void oneAloneHasEveryCoreAndTheNextCoreDoesNotWaitForIt() throws Exception {
        try (Workers<Fake> workers = workers(2)) {
            Batcher<Fake, Number> batcher = batcher(workers, DEFAULTS, true);
            List<CompletableFuture<Long>> futures = new ArrayList<>(held(batcher, 1, 2));
            while (batches.size() < 2) {
                Thread.onSpinWait();
            }
            for (int value = 3; value < 6; value++) {
                futures.add(batcher.submit(new Number(value), Number::twice));
            }
            gate.release(100);
            futures.forEach(CompletableFuture::join);
            assertEquals(List.of(2, 1), threads.subList(0, 2));
            assertEquals(List.of(List.of(1), List.of(2)), batches.subList(0, 2));
            assertEquals(List.of(1, 2, 3, 4, 5), batches.stream().flatMap(List::stream).sorted().toList());
        }
    }

    /** Often: whether a second thread begins before the first has taken its request is chance. */
    @RepeatedTest(100)
    void oneWaitsForMoreOnlyIfToldTo() {
        try (Workers<Fake> workers = workers(2)) {
            Batcher<Fake, Number> batcher = batcher(workers, DEFAULTS.withMaxTokens(6).withMaxWait(Duration.ofSeconds(50)), false);
            List<CompletableFuture<Long>> futures = new ArrayList<>();
            for (int value : new int[] {1, 2, 3}) {
                futures.add(batcher.submit(new Number(value), Number::twice));
            }
            futures.forEach(CompletableFuture::join);
            assertEquals(List.of(List.of(1, 2, 3)), batches);
        }
    }

    @Test
    void aFullQueueRefusesAndCancelledRequestsMakeRoom() {
        try (Workers<Fake> workers = workers(1)) {
            Batcher<Fake, Number> batcher = batcher(workers, DEFAULTS.withMaxQueue(2), true);
            List<CompletableFuture<Long>> futures = held(batcher, 1, 2, 3);
            String message = assertThrows(RejectedExecutionException.class, () -> batcher.submit(new Number(4), Number::twice))
                    .getMessage();
            assertTrue(message.startsWith("the test has 2 requests waiting, as many as its queue holds"), message);
            futures.get(1).cancel(true);
            CompletableFuture<Long> fifth = batcher.submit(new Number(5), Number::twice);
            gate.release(100);
            assertEquals(10, fifth.join());
            assertEquals(List.of(List.of(1), List.of(3, 5)), batches);
        }
    }

    @Test
    void aDeadlineIsAnErrorThatSaysSo() {
        try (Workers<Fake> workers = workers(1)) {
            Batcher<Fake, Number> batcher = batcher(workers, DEFAULTS, true);
            List<CompletableFuture<Long>> futures = held(batcher, 1, 2);
            Throwable cause = assertThrows(CompletionException.class,
                    () -> futures.get(1).orTimeout(1, TimeUnit.MILLISECONDS).join()).getCause();
            assertTrue(cause instanceof TimeoutException && cause.getMessage().matches("the deadline passed \\d+ ms after .* the test"),
                    cause.toString());
            gate.release(100);
            assertEquals(2, futures.get(0).join());
            assertEquals(List.of(List.of(1)), batches);
        }
    }

    @Test
    void aBatchThatNobodyWantsStops() {
        try (Workers<Fake> workers = workers(1)) {
            Batcher<Fake, Number> batcher = batcher(workers, DEFAULTS, true);
            CompletableFuture<Long> first = held(batcher, 1).getFirst();
            first.cancel(true);
            CompletableFuture<Long> second = batcher.submit(new Number(2), Number::twice);
            gate.release(1);
            assertEquals(4, second.join());
            assertTrue(stopped.get());
            assertTrue(first.isCancelled());
        }
    }

    @Test
    void oneThatFailsHarmsNoOther() {
        try (Workers<Fake> workers = workers(1)) {
            Batcher<Fake, Number> batcher = batcher(workers, DEFAULTS, true);
            List<CompletableFuture<Long>> futures = held(batcher, 1, 2, -1, -2, 3);
            gate.release(100);
            assertEquals(6, futures.get(4).join());
            assertEquals("no token -1", assertThrows(CompletionException.class, futures.get(2)::join).getCause().getMessage());
            assertEquals("unreadable", assertThrows(CompletionException.class, futures.get(3)::join).getCause().getMessage());
            assertEquals("no token -1", assertThrows(IllegalArgumentException.class,
                    () -> batcher.call(List.of(new Number(1), new Number(-1)), Number::twice)).getMessage());
        }
    }

    @Test
    void closingFailsWhatWasSubmittedAndWaitsForWhoBlocks() throws Exception {
        Workers<Fake> workers = workers(1);
        Batcher<Fake, Number> batcher = batcher(workers, DEFAULTS, true);
        List<CompletableFuture<Long>> futures = held(batcher, 1, 2, 3);
        CompletableFuture<List<Long>> blocked = new CompletableFuture<>();
        Thread caller = Thread.startVirtualThread(() -> blocked.complete(batcher.call(List.of(new Number(4)), Number::twice)));
        while (caller.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        Thread closer = Thread.startVirtualThread(workers::close);
        Throwable cause = assertThrows(CompletionException.class, futures.get(2)::join).getCause();
        assertEquals("the test is closed", cause.getMessage());
        assertFalse(futures.get(0).isDone());
        gate.release(100);
        assertEquals(2, futures.get(0).join());
        assertEquals(List.of(8L), blocked.join());
        closer.join();
        assertThrows(IllegalStateException.class, () -> batcher.submit(new Number(1), Number::twice));
        assertThrows(IllegalStateException.class, () -> batcher.call(List.of(new Number(1)), Number::twice));
    }

    @Test
    void whatFollowsOnAComputingThreadMaySubmitButNotWait() {
        try (Workers<Fake> workers = workers(1)) {
            Batcher<Fake, Number> batcher = batcher(workers, DEFAULTS, true);
            CompletableFuture<Long> first = held(batcher, 1).getFirst();
            CompletableFuture<Long> more = first.thenCompose(twice -> batcher.submit(new Number(7), Number::twice));
            CompletableFuture<Long> blocking = first.thenApply(twice -> batcher.call(List.of(new Number(7)), Number::twice).getFirst());
            gate.release(100);
            assertEquals(14, more.join());
            String message = assertThrows(CompletionException.class, blocking::join).getCause().getMessage();
            assertTrue(message.startsWith("the test was asked to compute by a callback"), message);
        }
    }

    private static void join(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
