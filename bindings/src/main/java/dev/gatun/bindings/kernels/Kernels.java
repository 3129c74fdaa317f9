package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.loader.NativeLibraries;
import dev.gatun.bindings.loader.NativeLibraryException;
import java.lang.foreign.MemorySegment;

/** The kernel library as a whole, and the thread count of the calling thread. */
public final class Kernels {
    private Kernels() {
    }

    /**
     * Loads libgatun.
     *
     * @throws NativeLibraryException if it cannot be loaded or is another version
     */
    public static void load() {
        NativeLibraries.load();
    }

    /**
     * Sets how many threads the calling thread's kernels use; oneDNN's and ours.
     *
     * @param threads 1 to 256
     * @throws IllegalStateException if the process may not start as many; kernels then use one
     */
    public static void setThreads(int threads) {
        if (GatunC.gatun_set_num_threads(threads) != threads) {
            GatunC.gatun_set_num_threads(1);
            throw new IllegalStateException("the process cannot start " + (threads - 1) + " more threads to compute with " + threads
                    + ": raise its limit (ulimit -u, the container's pids limit) or ask for fewer");
        }
    }

    /** How many threads the calling thread's kernels use. */
    public static int maxThreads() {
        load();
        return GatunC.gatun_get_max_threads();
    }

    /** Instruction set of the kernels in use: {@code baseline}, {@code avx2} or {@code avx512}. */
    public static String isa() {
        load();
        return GatunC.gatun_isa().reinterpret(16).getString(0);
    }

    /** For tests: use no better set than 0 baseline, 1 avx2, 2 avx512, in the whole process; returns what is in use. */
    public static int limitIsa(int limit) {
        load();
        return GatunC.gatun_limit_isa(limit);
    }

    /** A call that does nothing: what reaching native code costs. */
    public static void noop() {
        GatunC.gatun_noop();
    }

    /** An absent operand. */
    static MemorySegment orNull(MemorySegment segment) {
        return segment == null ? MemorySegment.NULL : segment;
    }
}
