package dev.gatun.bindings.onednn;

import dev.gatun.bindings.onednn.gen.OneDnnC;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * An in-order execution stream. On CPUs an execution has finished when the call returns. It is made when the first primitive asks for
 * it: plans of other kernels alone never load oneDNN. Of one thread at a time, as what it is bound to.
 */
public final class Stream {
    private final Arena arena;
    private MemorySegment handle;

    private Stream(Arena arena) {
        this.arena = arena;
    }

    /** A stream that lives as long as the arena. */
    public static Stream create(Arena arena) {
        return new Stream(arena);
    }

    MemorySegment handle() {
        if (handle == null) {
            Engine engine = Engine.cpu();
            MemorySegment out = arena.allocate(OneDnnC.C_POINTER);
            OneDnn.check("dnnl_stream_create",
                    OneDnnC.dnnl_stream_create(out, engine.handle(), OneDnnC.dnnl_stream_default_flags()));
            handle = Owned.handle(out, arena, OneDnnC::dnnl_stream_destroy);
        }
        return handle;
    }
}
