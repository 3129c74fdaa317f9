package dev.gatun.models.task.embed;

import dev.gatun.bindings.kernels.NativeBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * Off-heap blocks for results, reused once their owner closes them and freed with the model's arena: no arena is
 * opened or closed for a request, and a stale view can read old numbers but never freed memory.
 */
final class ResultPool {
    private static final long SMALLEST = 4096;

    private final Arena arena;
    private final Map<Long, Deque<MemorySegment>> free = new HashMap<>();
    private long byteSize;

    ResultPool(Arena arena) {
        this.arena = arena;
    }

    synchronized MemorySegment take(long bytes) {
        long size = sizeClass(bytes);
        Deque<MemorySegment> blocks = free.get(size);
        if (blocks != null && !blocks.isEmpty()) {
            return blocks.pop();
        }
        byteSize += size;
        return NativeBuffer.allocate(arena, size).segment();
    }

    synchronized void giveBack(MemorySegment block) {
        free.computeIfAbsent(block.byteSize(), size -> new ArrayDeque<>()).push(block);
    }

    synchronized long byteSize() {
        return byteSize;
    }

    private static long sizeClass(long bytes) {
        long wanted = Math.max(bytes, SMALLEST);
        long power = Long.highestOneBit(wanted);
        return power == wanted ? power : power << 1;
    }
}
