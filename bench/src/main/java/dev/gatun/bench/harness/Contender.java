package dev.gatun.bench.harness;

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

    /** What the last run computed, row by row; compared with the other contenders' before timing. */
    float[] output();

    @Override
    void close();
}
