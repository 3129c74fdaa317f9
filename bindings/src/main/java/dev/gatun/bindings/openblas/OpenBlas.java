package dev.gatun.bindings.openblas;

import dev.gatun.bindings.loader.NativeLibraries;
import dev.gatun.bindings.loader.NativeLibraryException;
import dev.gatun.bindings.openblas.gen.OpenBlasC;
import java.lang.foreign.MemorySegment;

/**
 * OpenBLAS, kept single-threaded: threads are Gatun's (one pool for the process), and OpenBLAS'
 * own pool would fight with them for the same cores.
 */
public final class OpenBlas {
    /** The release the bindings were generated from. */
    private static final String VERSION = "0.3.";
    private static boolean verified;

    private OpenBlas() {
    }

    /**
     * Loads OpenBLAS, checks its version and sets it to one thread.
     *
     * @throws NativeLibraryException if it cannot be loaded or is another version
     */
    public static synchronized void load() {
        NativeLibraries.lookup("openblas");
        if (verified) {
            return;
        }
        String config = text(OpenBlasC.openblas_get_config());
        if (!config.startsWith("OpenBLAS " + VERSION)) {
            throw new NativeLibraryException("OpenBLAS in " + NativeLibraries.paths().get("openblas") + " says '" + config
                    + "': the bindings need " + VERSION + "x; use the native jar of this Gatun release");
        }
        OpenBlasC.openblas_set_num_threads(1);
        verified = true;
    }

    /** What the library says of itself: version, options, kernels. */
    public static String config() {
        load();
        return text(OpenBlasC.openblas_get_config());
    }

    /** The processor family whose kernels are in use, as {@code SAPPHIRERAPIDS}. */
    public static String coreName() {
        load();
        return text(OpenBlasC.openblas_get_corename());
    }

    /** Address of {@code cblas_sgemm}, for the kernels that call it on tiles. */
    public static MemorySegment sgemmAddress() {
        load();
        return OpenBlasC.cblas_sgemm$address();
    }

    private static String text(MemorySegment pointer) {
        return pointer.reinterpret(1024).getString(0);
    }
}
