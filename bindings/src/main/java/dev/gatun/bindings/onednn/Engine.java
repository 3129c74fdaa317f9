package dev.gatun.bindings.onednn;

import dev.gatun.bindings.onednn.gen.OneDnnC;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The CPU engine: one for the process, never freed, shared by all threads. */
public final class Engine {
    private static Engine cpu;

    private final MemorySegment handle;

    private Engine(MemorySegment handle) {
        this.handle = handle;
    }

    /**
     * The process-wide CPU engine.
     *
     * @throws dev.gatun.bindings.loader.NativeLibraryException if oneDNN cannot be loaded
     */
    public static synchronized Engine cpu() {
        if (cpu == null) {
            OneDnn.load();
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment out = arena.allocate(OneDnnC.C_POINTER);
                OneDnn.check("dnnl_engine_create", OneDnnC.dnnl_engine_create(out, OneDnnC.dnnl_cpu(), 0));
                cpu = new Engine(out.get(OneDnnC.C_POINTER, 0));
            }
        }
        return cpu;
    }

    MemorySegment handle() {
        return handle;
    }
}
