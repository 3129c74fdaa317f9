package dev.gatun.models.onnx;

import dev.gatun.bindings.loader.ThreadCount;

/**
 * How a model is loaded and run.
 *
 * @param threads     that a session's heavy operators use
 * @param memoryLimit bytes that the results of a session's run may take together; a graph can ask for any size
 */
public record OnnxOptions(int threads, long memoryLimit) {
    /** Checks the numbers. */
    public OnnxOptions {
        if (threads < 1 || memoryLimit < 1) {
            throw new IllegalArgumentException("threads " + threads + " and memoryLimit " + memoryLimit + " must be 1 or more");
        }
    }

    /** All cores that the process may use, and twice as many bytes as the heap may have. */
    public static OnnxOptions defaults() {
        return new OnnxOptions(ThreadCount.usual(), Math.max(1L << 31, 2 * Runtime.getRuntime().maxMemory()));
    }

    /** The same with other threads. */
    public OnnxOptions withThreads(int other) {
        return new OnnxOptions(other, memoryLimit);
    }

    /** The same with another limit. */
    public OnnxOptions withMemoryLimit(long other) {
        return new OnnxOptions(threads, other);
    }
}
