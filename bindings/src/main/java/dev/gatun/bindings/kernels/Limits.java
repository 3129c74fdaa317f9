package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import java.lang.foreign.MemorySegment;

/** What this machine can do, measured: the denominators of benchmarks. The threads are those of {@link Kernels#setThreads}. */
public final class Limits {
    private Limits() {
    }

    /**
     * GFLOP/s of multiply-adds in registers alone, each counted as two, over all threads of the calling thread.
     *
     * @param seconds how long to look for the fastest pass
     */
    public static double fmaPeak(double seconds) {
        Kernels.load();
        return GatunC.gatun_fma_peak(seconds);
    }

    /**
     * GB/s of reading memory once from end to end.
     *
     * @param floats written before, because pages never touched are all one page; much larger than the last cache
     */
    public static double readBandwidth(MemorySegment floats, double seconds) {
        Kernels.load();
        return GatunC.gatun_read_bandwidth(floats, floats.byteSize() / Float.BYTES, seconds);
    }

    /** GB/s of a = b + s * c over the thirds of the memory, which are overwritten. */
    public static double triadBandwidth(MemorySegment floats, double seconds) {
        Kernels.load();
        return GatunC.gatun_triad_bandwidth(floats, floats.byteSize() / Float.BYTES, seconds);
    }
}
