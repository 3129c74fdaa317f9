package dev.gatun.bindings.onednn;

import dev.gatun.bindings.loader.NativeLibraries;
import dev.gatun.bindings.loader.NativeLibraryException;
import dev.gatun.bindings.onednn.gen.OneDnnC;
import dev.gatun.bindings.onednn.gen.dnnl_version_t;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The library as a whole: its version, the instruction set it uses, its caches, and its status codes. */
public final class OneDnn {
    static final int UNIMPLEMENTED = 3;
    /**
     * oneDNN keeps 1024, each with code of its own: that grew with every new size, though plans keep what they use. So many are what
     * layers of one plan, and sessions that compile the same, share.
     */
    private static final int CACHED_PRIMITIVES = 128;
    private static boolean verified;

    private OneDnn() {
    }

    /**
     * Loads oneDNN and checks that it is the version the bindings were generated from.
     *
     * @throws NativeLibraryException if it cannot be loaded or is another version
     */
    public static synchronized void load() {
        NativeLibraries.lookup("dnnl");
        if (verified) {
            return;
        }
        MemorySegment version = OneDnnC.dnnl_version();
        int major = dnnl_version_t.major(version);
        int minor = dnnl_version_t.minor(version);
        if (major != OneDnnC.DNNL_VERSION_MAJOR() || minor < OneDnnC.DNNL_VERSION_MINOR()) {
            throw new NativeLibraryException("oneDNN " + major + "." + minor + " in " + NativeLibraries.paths().get("dnnl")
                    + ": the bindings need " + OneDnnC.DNNL_VERSION_MAJOR() + "." + OneDnnC.DNNL_VERSION_MINOR()
                    + " or a later minor version; use the native jar of this Gatun release");
        }
        if (System.getenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY") == null) {
            check("dnnl_set_primitive_cache_capacity", OneDnnC.dnnl_set_primitive_cache_capacity(CACHED_PRIMITIVES));
        }
        verified = true;
    }

    /** The loaded version, as {@code 3.13.0}. */
    public static String version() {
        load();
        MemorySegment v = OneDnnC.dnnl_version();
        return dnnl_version_t.major(v) + "." + dnnl_version_t.minor(v) + "." + dnnl_version_t.patch(v);
    }

    /** The instruction set that oneDNN generates code for on this processor, as {@code avx512_core_amx}. */
    public static String cpuIsa() {
        load();
        int isa = OneDnnC.dnnl_get_effective_cpu_isa();
        return switch (isa) {
            case 0x0 -> "default";
            case 0x1 -> "sse41";
            case 0x3 -> "avx";
            case 0x7 -> "avx2";
            case 0xf -> "avx2_vnni";
            case 0x1f -> "avx2_vnni_2";
            case 0x27 -> "avx512_core";
            case 0x67 -> "avx512_core_vnni";
            case 0xe7 -> "avx512_core_bf16";
            case 0x1ef -> "avx512_core_fp16";
            case 0xfef -> "avx512_core_amx";
            case 0x1fef -> "avx512_core_amx_fp16";
            default -> "0x" + Integer.toHexString(isa);
        };
    }

    /** The number of primitives that oneDNN's own process-wide cache holds at most. */
    public static int primitiveCacheCapacity() {
        load();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(OneDnnC.C_INT);
            check("dnnl_get_primitive_cache_capacity", OneDnnC.dnnl_get_primitive_cache_capacity(out));
            return out.get(OneDnnC.C_INT, 0);
        }
    }

    static void check(String call, int status) {
        if (status != 0) {
            throw new OneDnnException(call, status);
        }
    }

    static String statusName(int status) {
        if (status == OneDnnC.dnnl_out_of_memory()) {
            return "out of memory";
        } else if (status == OneDnnC.dnnl_invalid_arguments()) {
            return "invalid arguments";
        } else if (status == OneDnnC.dnnl_unimplemented()) {
            return "not implemented for this processor, these data types or these shapes";
        } else if (status == OneDnnC.dnnl_runtime_error()) {
            return "runtime error";
        } else if (status == OneDnnC.dnnl_invalid_shape()) {
            return "invalid shape";
        } else if (status == OneDnnC.dnnl_invalid_data_type()) {
            return "invalid data type";
        }
        return "status " + status;
    }
}
