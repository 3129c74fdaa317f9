package dev.gatun.tensor.exec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LifetimeTest {

    @Test
    void closeWaitsForThoseInside() throws Exception {
        Lifetime lifetime = new Lifetime("the thing");
        lifetime.enter();
        lifetime.enter();
        try (ExecutorService closer = Executors.newSingleThreadExecutor()) {
            Future<Boolean> closed = closer.submit(lifetime::close);
            while (!lifetime.isClosed()) {
                Thread.onSpinWait();
            }
            String message = assertThrows(IllegalStateException.class, lifetime::enter).getMessage();
            assertEquals("the thing is closed", message);
            lifetime.exit();
            Thread.sleep(20);
            assertFalse(closed.isDone());
            assertFalse(lifetime.close(), "only one caller frees");
            lifetime.exit();
            assertTrue(closed.get(10, TimeUnit.SECONDS));
        }
        assertThrows(IllegalStateException.class, lifetime::enter);
        assertFalse(lifetime.close());
    }

    @Test
    void noUserIsInsideOnceCloseReturns() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            for (int round = 0; round < 100; round++) {
                raceToClose(threads);
            }
        }
    }

    private static void raceToClose(ExecutorService threads) throws Exception {
        Lifetime lifetime = new Lifetime("the thing");
        AtomicBoolean freed = new AtomicBoolean();
        AtomicInteger winners = new AtomicInteger();
        CountDownLatch start = new CountDownLatch(1);
        List<Future<?>> futures = new ArrayList<>();
        for (int t = 0; t < 6; t++) {
            futures.add(threads.submit(() -> {
                start.await();
                while (true) {
                    try {
                        lifetime.enter();
                    } catch (IllegalStateException closed) {
                        return null;
                    }
                    assertFalse(freed.get(), "inside, but freed");
                    lifetime.exit();
                }
            }));
        }
        for (int t = 0; t < 2; t++) {
            futures.add(threads.submit(() -> {
                start.await();
                if (lifetime.close()) {
                    freed.set(true);
                    winners.incrementAndGet();
                }
                return null;
            }));
        }
        start.countDown();
        for (Future<?> future : futures) {
            future.get(20, TimeUnit.SECONDS);
        }
        assertEquals(1, winners.get());
    }
}
