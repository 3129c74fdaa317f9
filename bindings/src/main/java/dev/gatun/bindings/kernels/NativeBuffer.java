package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A zeroed, 64-byte aligned block whose pages are taken from the system when they are first touched: unlike
 * {@code Arena.allocate}, reserving a large one costs nothing.
 *
 * @param segment  the memory, with the arena's scope
 * @param byteSize what was asked for
 */
public record NativeBuffer(MemorySegment segment, long byteSize) {

    /**
     * Reserves a block that is freed with the arena.
     *
     * @throws OutOfMemoryError if the system has no such block
     */
    public static NativeBuffer allocate(Arena arena, long byteSize) {
        if (byteSize < 0) {
            throw new IllegalArgumentException("negative size " + byteSize);
        }
        Kernels.load();
        long reserved = Math.max(byteSize, 1);
        MemorySegment block = GatunC.gatun_alloc(reserved);
        if (block.address() == 0) {
            throw new OutOfMemoryError("no native memory for a block of " + byteSize + " bytes");
        }
        MemorySegment owned = MemorySegment.ofAddress(block.address())
                .reinterpret(reserved, arena, s -> GatunC.gatun_free(s, reserved));
        return new NativeBuffer(owned.asSlice(0, byteSize), byteSize);
    }
}
