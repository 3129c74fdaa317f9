package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.loader.NativeLibraries;
import dev.gatun.bindings.loader.NativeLibraryException;

/** The kernel library as a whole: its version, and the OpenMP thread count of the calling thread. */
public final class Kernels {
    /** The interface that the bindings were generated from. */
    private static final int ABI_VERSION = 1;
    private static boolean verified;

    private Kernels() {
    }

    /**
     * Loads libgatun and checks its version.
     *
     * @throws NativeLibraryException if it cannot be loaded or is another version
     */
    public static synchronized void load() {
        NativeLibraries.load();
        if (verified) {
            return;
        }
        int version = GatunC.gatun_abi_version();
        if (version != ABI_VERSION) {
            throw new NativeLibraryException("libgatun in " + NativeLibraries.paths().get("gatun") + " has interface "
                    + version + ", the bindings need " + ABI_VERSION + "; use the native jar of this Gatun release");
        }
        verified = true;
    }

    /** Sets how many OpenMP threads the calling thread's kernels use; oneDNN's and ours. */
    public static void setThreads(int threads) {
        GatunC.gatun_set_num_threads(threads);
    }

    /** How many OpenMP threads the calling thread's kernels use. */
    public static int maxThreads() {
        load();
        return GatunC.gatun_get_max_threads();
    }
}
