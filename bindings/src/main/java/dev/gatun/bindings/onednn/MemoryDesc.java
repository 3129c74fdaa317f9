package dev.gatun.bindings.onednn;

import dev.gatun.bindings.onednn.gen.OneDnnC;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Dimensions, data type and layout of a memory ({@code dnnl_memory_desc_t}). Immutable; lives as long
 * as the arena it was made in.
 */
public final class MemoryDesc {
    private final MemorySegment handle;
    private final long[] dims;

    private MemoryDesc(MemorySegment handle, long[] dims) {
        this.handle = handle;
        this.dims = dims;
    }

    /** A layout named by a format tag, {@code Tags.ANY} to let the primitive choose. */
    public static MemoryDesc ofTag(Arena arena, long[] dims, int dataType, int tag) {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment out = temporary.allocate(OneDnnC.C_POINTER);
            OneDnn.check("dnnl_memory_desc_create_with_tag " + java.util.Arrays.toString(dims),
                    OneDnnC.dnnl_memory_desc_create_with_tag(out, dims.length, longs(temporary, dims), dataType, tag));
            return new MemoryDesc(Owned.handle(out, arena, OneDnnC::dnnl_memory_desc_destroy), dims.clone());
        }
    }

    /** A layout given by strides, in elements. */
    public static MemoryDesc ofStrides(Arena arena, long[] dims, int dataType, long[] strides) {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment out = temporary.allocate(OneDnnC.C_POINTER);
            OneDnn.check("dnnl_memory_desc_create_with_strides " + java.util.Arrays.toString(dims),
                    OneDnnC.dnnl_memory_desc_create_with_strides(
                            out, dims.length, longs(temporary, dims), dataType, longs(temporary, strides)));
            return new MemoryDesc(Owned.handle(out, arena, OneDnnC::dnnl_memory_desc_destroy), dims.clone());
        }
    }

    /** A copy of a descriptor that belongs to something else, such as a primitive's own choice. */
    static MemoryDesc copyOf(Arena arena, MemorySegment foreign, long[] dims) {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment out = temporary.allocate(OneDnnC.C_POINTER);
            OneDnn.check("dnnl_memory_desc_clone", OneDnnC.dnnl_memory_desc_clone(out, foreign));
            return new MemoryDesc(Owned.handle(out, arena, OneDnnC::dnnl_memory_desc_destroy), dims);
        }
    }

    /** This descriptor in another arena. */
    public MemoryDesc copyTo(Arena arena) {
        return copyOf(arena, handle, dims);
    }

    /** Bytes that a memory of this layout takes; 0 while the layout is {@code any}. */
    public long byteSize() {
        return OneDnnC.dnnl_memory_desc_get_size(handle);
    }

    /** Whether two descriptors mean the same dimensions, type and layout. */
    public boolean sameAs(MemoryDesc other) {
        return OneDnnC.dnnl_memory_desc_equal(handle, other.handle) != 0;
    }

    MemorySegment handle() {
        return handle;
    }

    static MemorySegment longs(Arena arena, long[] values) {
        return arena.allocateFrom(OneDnnC.C_LONG_LONG, values);
    }
}
