package dev.gatun.models.generate;

import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.tensor.op.KvLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Blocks of keys and values, counted: a block may be in several tables, and is free again when the last lets it go. Grows by
 * slabs and never moves; memory that was once needed is kept for the next sequences, and freed by {@link #close}. One thread.
 */
final class KvCache implements AutoCloseable {
    /** Bytes that a slab has about: enough for large pages. Only what is used takes memory. */
    private static final long SLAB_BYTES = 8 << 20;

    private final long blockBytes;
    private final int slabBlocks;
    private final Arena arena = Arena.ofShared();
    private MemorySegment[] blocks = new MemorySegment[0];
    private int[] users = new int[0];
    private int[] free = new int[0];
    private int freeCount;
    private int inUse;

    KvCache(KvLayout layout) {
        // Whole cache lines, so that every block of a slab is aligned.
        this.blockBytes = (layout.blockByteSize() + 63) / 64 * 64;
        this.slabBlocks = Math.clamp(SLAB_BYTES / blockBytes, 1, 1024);
    }

    /** A block of one user. */
    int take() {
        if (freeCount == 0) {
            grow();
        }
        int block = free[--freeCount];
        users[block] = 1;
        inUse++;
        return block;
    }

    /** One more user. */
    void share(int block) {
        users[block]++;
    }

    /** One user less. */
    void release(int block) {
        if (--users[block] == 0) {
            free[freeCount++] = block;
            inUse--;
        }
    }

    boolean isShared(int block) {
        return users[block] > 1;
    }

    /** The block's memory, of this cache. */
    MemorySegment memory(int block) {
        return blocks[block];
    }

    /** A block of one user with the content of another, which loses one. */
    int copyOf(int block) {
        int copy = take();
        MemorySegment.copy(blocks[block], 0, blocks[copy], 0, blockBytes);
        release(block);
        return copy;
    }

    private void grow() {
        int before = blocks.length;
        MemorySegment slab = NativeBuffer.allocate(arena, slabBlocks * blockBytes).segment();
        blocks = Arrays.copyOf(blocks, before + slabBlocks);
        users = Arrays.copyOf(users, blocks.length);
        free = Arrays.copyOf(free, blocks.length);
        for (int i = 0; i < slabBlocks; i++) {
            blocks[before + i] = slab.asSlice(i * blockBytes, blockBytes);
            // The lowest address is taken first.
            free[freeCount++] = before + slabBlocks - 1 - i;
        }
    }

    int blocksInUse() {
        return inUse;
    }

    long nativeByteSize() {
        return blocks.length * blockBytes;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
