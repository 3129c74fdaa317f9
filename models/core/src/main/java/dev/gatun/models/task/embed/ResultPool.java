package dev.gatun.models.task.embed;

import dev.gatun.bindings.kernels.CountedArena;
import dev.gatun.bindings.kernels.NativeBuffer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * Off-heap blocks for results, reused once their owner closes them and freed when the pool is closed: no arena is
 * opened or closed for a request, and a stale view can read old numbers but never freed memory.
 */
final class ResultPool implements AutoCloseable {
    private static final long SMALLEST = 4096;

    private final CountedArena arena = new CountedArena("results of embedding models");
    private final Map<Long, Deque<MemorySegment>> free = new HashMap<>();
    private long byteSize;

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

    /** Frees every block. Somebody may be writing results to a file just now: the system call holds them, so they are waited for. */
    @Override
    public void close() {
        while (arena.scope().isAlive()) {
            try {
                arena.close();
            } catch (IllegalStateException held) {
                LockSupport.parkNanos(1_000_000);
            }
        }
    }

    private static long sizeClass(long bytes) {
        long wanted = Math.max(bytes, SMALLEST);
        long power = Long.highestOneBit(wanted);
        return power == wanted ? power : power << 1;
    }
}
