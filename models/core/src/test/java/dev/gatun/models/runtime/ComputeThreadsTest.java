package dev.gatun.models.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Whatever happens, no task runs on when its caller has returned. */
class ComputeThreadsTest {

    /** Deaf to interrupts, as native code is. */
    private static void compute(int millis) {
        long end = System.nanoTime() + millis * 1_000_000L;
        while (System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }

    @Test
    void resultsInOrder() {
        try (ComputeThreads threads = new ComputeThreads("the test", "test", 3)) {
            List<Callable<Integer>> tasks = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                int number = i;
                tasks.add(() -> number);
            }
            List<Integer> results = threads.run(tasks);
            for (int i = 0; i < 100; i++) {
                assertEquals(i, results.get(i));
            }
            assertEquals(List.of(), threads.run(List.<Callable<Integer>>of()));
            assertNull(threads.run(() -> null));
            assertEquals("test-wide", threads.runWide(() -> Thread.currentThread().getName()));
        }
    }

    @Test
    void aFailureWaitsForTasksUnderWayAndBeginsNoOther() {
        try (ComputeThreads threads = new ComputeThreads("the test", "test", 2)) {
            AtomicInteger running = new AtomicInteger();
            AtomicInteger begun = new AtomicInteger();
            List<Callable<Void>> tasks = new ArrayList<>();
            tasks.add(() -> {
                compute(10);
                throw new IllegalArgumentException("first");
            });
            for (int i = 0; i < 100; i++) {
                tasks.add(() -> {
                    begun.incrementAndGet();
                    running.incrementAndGet();
                    compute(30);
                    running.decrementAndGet();
                    return null;
                });
            }
            assertEquals("first", assertThrows(IllegalArgumentException.class, () -> threads.run(tasks)).getMessage());
            assertEquals(0, running.get());
            int atReturn = begun.get();
            assertTrue(atReturn < 50, atReturn + " tasks begun");
            compute(50);
            assertEquals(atReturn, begun.get());
        }
    }

    @Test
    void anInterruptedCallerWaitsForTasksUnderWay() throws Exception {
        try (ComputeThreads threads = new ComputeThreads("the test", "test", 2)) {
            CountDownLatch started = new CountDownLatch(1);
            AtomicBoolean ended = new AtomicBoolean();
            AtomicBoolean told = new AtomicBoolean();
            AtomicReference<Throwable> thrown = new AtomicReference<>();
            Thread caller = new Thread(() -> {
                try {
                    threads.run(() -> {
                        started.countDown();
                        compute(100);
                        told.set(Thread.interrupted());
                        ended.set(true);
                        return null;
                    });
                } catch (IllegalStateException e) {
                    thrown.set(ended.get() && Thread.currentThread().isInterrupted() ? e : new AssertionError(e));
                }
            });
            caller.start();
            started.await();
            caller.interrupt();
            caller.join();
            assertEquals("interrupted while waiting for the test", thrown.get().getMessage());
            assertTrue(told.get(), "the task could have known that nobody wants its result");
            // The next task on this thread is not interrupted.
            assertEquals(false, threads.run(() -> Thread.interrupted()));
        }
    }

    @Test
    void closedWaitsAndThenRefuses() throws Exception {
        ComputeThreads threads = new ComputeThreads("the test", "test", 1);
        CountDownLatch started = new CountDownLatch(1);
        AtomicBoolean ended = new AtomicBoolean();
        Thread caller = new Thread(() -> threads.runWide(() -> {
            started.countDown();
            LockSupport.parkNanos(20_000_000);
            ended.set(true);
            return null;
        }));
        caller.start();
        started.await();
        threads.close();
        assertTrue(ended.get());
        threads.close();
        assertEquals("the test is closed", assertThrows(IllegalStateException.class, () -> threads.run(() -> 1)).getMessage());
        caller.join();
    }
}
