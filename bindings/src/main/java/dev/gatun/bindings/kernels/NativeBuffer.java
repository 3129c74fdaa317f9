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
     * @throws OutOfMemoryError                                  if the system has no such block
     * @throws dev.gatun.bindings.loader.NativeLimitException if it is beyond what the process may hold
     */
    public static NativeBuffer allocate(Arena arena, long byteSize) {
        if (byteSize < 0) {
            throw new IllegalArgumentException("negative size " + byteSize);
        }
        Kernels.load();
        long reserved = Math.max(byteSize, 1);
        CountedArena counted = arena instanceof CountedArena c ? c : null;
        if (counted != null) {
            counted.reserve(reserved);
        }
        MemorySegment block = GatunC.gatun_alloc(reserved);
        if (block.address() == 0) {
            release(counted, reserved);
            throw new OutOfMemoryError("no native memory for a block of " + byteSize + " bytes");
        }
        try {
            MemorySegment owned = MemorySegment.ofAddress(block.address())
                    .reinterpret(reserved, arena, s -> GatunC.gatun_free(s, reserved));
            return new NativeBuffer(owned.asSlice(0, byteSize), byteSize);
        } catch (IllegalStateException closed) {
            GatunC.gatun_free(block, reserved);
            release(counted, reserved);
            throw closed;
        }
    }

    private static void release(CountedArena counted, long byteSize) {
        if (counted != null) {
            counted.release(byteSize);
        }
    }

    /**
     * For tests: a block that ends at a page which may not be touched, so that reading or writing past the end
     * stops the process instead of going unnoticed.
     */
    public static NativeBuffer allocateGuarded(Arena arena, long byteSize) {
        Kernels.load();
        MemorySegment block = GatunC.gatun_alloc_guarded(byteSize);
        if (block.address() == 0) {
            throw new OutOfMemoryError("no native memory for a guarded block of " + byteSize + " bytes");
        }
        MemorySegment owned = MemorySegment.ofAddress(block.address())
                .reinterpret(byteSize, arena, s -> GatunC.gatun_free_guarded(s, byteSize));
        return new NativeBuffer(owned, byteSize);
    }
}
