package dev.gatun.models.runtime;

import static dev.gatun.models.runtime.Workers.doing;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Who gets which session. */
class WorkersTest {

    /** Notices a second thread, and use after close. */
    private static final class Fake implements Workers.Session {
        private final int threads;
        private final AtomicInteger inside = new AtomicInteger();
        private volatile boolean closed;

        Fake(int threads) {
            this.threads = threads;
        }

        void use() {
            assertTrue(!closed && inside.incrementAndGet() == 1, "in use by another, or closed");
            Thread.onSpinWait();
            inside.decrementAndGet();
        }

        @Override
        public long nativeByteSize() {
            return threads;
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    @Test
    void aSessionForEachCoreAndOneForAll() {
        List<Fake> opened = new ArrayList<>();
        try (Workers<Fake> workers = workers(3, opened)) {
            workers.runWide(doing(Fake::use));
            assertEquals(List.of(1, 1, 1, 3), opened.stream().map(f -> f.threads).toList());
            assertEquals(3, workers.cores());
            assertEquals(6, workers.nativeByteSize());
            AtomicInteger done = new AtomicInteger();
            Set<Fake> used = ConcurrentHashMap.newKeySet();
            workers.run(Collections.nCopies(500, Workers.<Fake>doing(session -> {
                session.use();
                used.add(session);
                done.incrementAndGet();
            })));
            assertEquals(500, done.get());
            assertTrue(used.stream().allMatch(f -> f.threads == 1));
            workers.run(List.of());
        }
        assertTrue(opened.stream().allMatch(f -> f.closed));
        List<Fake> one = new ArrayList<>();
        try (Workers<Fake> workers = workers(1, one)) {
            assertEquals(1, workers.cores());
            workers.runWide(doing(session -> assertEquals(1, session.threads)));
        }
        assertEquals(1, one.size());
    }

    @Test
    void everyCoreOnlyIfNobodyElseComputes() throws Exception {
        try (Workers<Fake> workers = workers(2, new ArrayList<>())) {
            workers.runWide(doing(session -> assertEquals(2, session.threads)));
            CountDownLatch started = new CountDownLatch(1);
            CountDownLatch end = new CountDownLatch(1);
            Thread other = new Thread(() -> workers.run(List.of(doing(session -> {
                started.countDown();
                await(end);
            }))));
            other.start();
            started.await();
            workers.runWide(doing(session -> assertEquals(1, session.threads)));
            end.countDown();
            other.join();
            workers.runWide(doing(session -> assertEquals(2, session.threads)));
            assertThrows(IllegalArgumentException.class, () -> workers.runWide(doing(session -> {
                throw new IllegalArgumentException("a task's");
            })));
            // A task that failed is not counted as computing.
            workers.runWide(doing(session -> assertEquals(2, session.threads)));
        }
    }

    @Test
    void callersOfBothKinds() throws Exception {
        Workers<Fake> workers = workers(2, new ArrayList<>());
        AtomicInteger done = new AtomicInteger();
        List<Thread> callers = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            int caller = i;
            callers.add(Thread.ofVirtual().start(() -> {
                for (int n = 0; n < 200; n++) {
                    if (caller % 2 == 0) {
                        workers.runWide(doing(Fake::use));
                    } else {
                        workers.run(List.of(Workers.<Fake>doing(Fake::use), Workers.<Fake>doing(Fake::use)));
                    }
                    done.incrementAndGet();
                }
            }));
        }
        for (Thread caller : callers) {
            caller.join();
        }
        assertEquals(8 * 200, done.get());
        workers.close();
        workers.close();
        assertEquals("the test is closed", assertThrows(IllegalStateException.class, () -> workers.runWide(doing(Fake::use))).getMessage());
    }

    @Test
    void aCallbackThatCallsItsOwnWorkersIsRefused() {
        try (Workers<Fake> workers = workers(1, new ArrayList<>())) {
            for (Runnable inside : List.<Runnable>of(() -> workers.runWide(doing(Fake::use)), workers::close)) {
                String message = assertThrows(IllegalStateException.class, () -> workers.runWide(doing(session -> inside.run())))
                        .getMessage();
                assertTrue(message.startsWith("the test was asked to "), message);
            }
            workers.runWide(doing(Fake::use));
        }
    }

    private static Workers<Fake> workers(int cores, List<Fake> opened) {
        return new Workers<>("the test", "test", cores, threads -> {
            opened.add(new Fake(threads));
            return opened.getLast();
        });
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
