package dev.gatun.bindings.onednn;

import dev.gatun.bindings.onednn.gen.OneDnnC;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** An in-order execution stream. On CPUs an execution has finished when the call returns. */
public final class Stream {
    private final MemorySegment handle;

    private Stream(MemorySegment handle) {
        this.handle = handle;
    }

    /** A stream that lives as long as the arena. */
    public static Stream create(Arena arena) {
        Engine engine = Engine.cpu();
        MemorySegment out = arena.allocate(OneDnnC.C_POINTER);
        OneDnn.check("dnnl_stream_create",
                OneDnnC.dnnl_stream_create(out, engine.handle(), OneDnnC.dnnl_stream_default_flags()));
        return new Stream(Owned.handle(out, arena, OneDnnC::dnnl_stream_destroy));
    }

    MemorySegment handle() {
        return handle;
    }
}
