package dev.gatun.bindings.onednn;

import dev.gatun.bindings.onednn.gen.OneDnnC;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/** Ties a native handle to an arena: closing the arena destroys the object. */
final class Owned {
    private Owned() {
    }

    static MemorySegment handle(MemorySegment out, Arena arena, Consumer<MemorySegment> destroy) {
        MemorySegment raw = out.get(OneDnnC.C_POINTER, 0);
        // The cleanup may run on any thread, with the handle's own arena closed: it gets a global-scope segment.
        return MemorySegment.ofAddress(raw.address()).reinterpret(1, arena, destroy::accept);
    }
}
