package dev.gatun.bindings.onednn;

import dev.gatun.bindings.onednn.gen.OneDnnC;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A descriptor and the data it describes ({@code dnnl_memory_t}). Owns the native handle, not the data:
 * the data's owner must outlive the arena this memory was made in.
 */
public final class Memory {
    private final MemorySegment handle;

    private Memory(MemorySegment handle) {
        this.handle = handle;
    }

    /**
     * A memory over off-heap data.
     *
     * @param data at least {@code desc.byteSize()} bytes
     * @throws IllegalArgumentException if the data is on the heap or too small
     */
    public static Memory of(Arena arena, MemoryDesc desc, MemorySegment data) {
        return of(arena, desc, data, desc.byteSize());
    }

    /**
     * A memory over off-heap data whose descriptor has gaps behind its last element.
     *
     * @param data     at least {@code byteSize} bytes
     * @param byteSize to the end of the last element that the descriptor's strides reach
     * @throws IllegalArgumentException if the data is on the heap or too small
     */
    public static Memory of(Arena arena, MemoryDesc desc, MemorySegment data, long byteSize) {
        if (!data.isNative()) {
            throw new IllegalArgumentException("oneDNN memory needs off-heap data");
        }
        if (data.byteSize() < byteSize) {
            throw new IllegalArgumentException("data has " + data.byteSize() + " bytes, its descriptor needs " + byteSize);
        }
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment out = temporary.allocate(OneDnnC.C_POINTER);
            OneDnn.check("dnnl_memory_create",
                    OneDnnC.dnnl_memory_create(out, desc.handle(), Engine.cpu().handle(), data));
            return new Memory(Owned.handle(out, arena, OneDnnC::dnnl_memory_destroy));
        }
    }

    MemorySegment handle() {
        return handle;
    }
}
