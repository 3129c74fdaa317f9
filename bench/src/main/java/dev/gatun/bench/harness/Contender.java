package dev.gatun.bench.harness;

import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;

/** One engine with one workload. Created in a process of its own; used by one thread. */
public interface Contender extends AutoCloseable {

    /** The engine and its version, as {@code ONNX Runtime 1.29.0}. */
    String version();

    /** Does the work once: from inputs in memory to outputs in memory. */
    void run();

    /** Durations of so many runs, in nanoseconds; overridden by what runs elsewhere and times itself. */
    default long[] time(int count) {
        long[] nanos = new long[count];
        for (int i = 0; i < count; i++) {
            long start = System.nanoTime();
            run();
            nanos[i] = System.nanoTime() - start;
        }
        return nanos;
    }

    /**
     * Latencies, in nanoseconds, of requests that come by a Poisson process, the same for everyone. They are served one after the other,
     * and what waits, waits; overridden by what serves several at once.
     */
    default long[] load(double rate, double seconds) {
        Random random = new Random(7);
        LongStream.Builder latencies = LongStream.builder();
        long start = System.nanoTime();
        for (double arrival = 0; arrival < seconds; arrival -= Math.log(1 - random.nextDouble()) / rate) {
            long due = start + (long) (arrival * 1e9);
            for (long early = due - System.nanoTime(); early > 0; early = due - System.nanoTime()) {
                LockSupport.parkNanos(early);
            }
            run();
            latencies.add(System.nanoTime() - due);
        }
        return latencies.build().toArray();
    }

    /** What the last run computed, row by row; compared with the other contenders' before timing. */
    float[] output();

    @Override
    void close();
}
