package dev.gatun.models.generate;

import dev.gatun.tensor.op.KvLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The blocks of one sequence, as numbers here and as addresses in off-heap memory that kernels read. */
final class BlockTable {
    private final KvCache cache;
    private final MemorySegment addresses;
    private final int[] blocks;
    private int count;

    /** @param addresses room for the longest sequence's blocks, of the session */
    BlockTable(KvCache cache, MemorySegment addresses) {
        this.cache = cache;
        this.addresses = addresses;
        this.blocks = new int[(int) (addresses.byteSize() / Long.BYTES)];
    }

    long address() {
        return addresses.address();
    }

    /** The memory of block i. */
    MemorySegment memory(int i) {
        return cache.memory(blocks[i]);
    }

    /** Takes blocks for so many tokens. */
    void reserve(int tokens) {
        int needed = KvLayout.blocks(tokens);
        while (count < needed) {
            set(count, cache.take());
            count++;
        }
    }

    /** Makes sure that token {@code position}, the next one, can be written without another sequence seeing it. */
    void makeWritable(int position) {
        reserve(position + 1);
        int at = position / KvLayout.BLOCK_TOKENS;
        if (cache.isShared(blocks[at])) {
            set(at, cache.copyOf(blocks[at]));
        }
    }

    /** Becomes a second owner of another's blocks. This table is empty before. */
    void shareFrom(BlockTable other) {
        count = other.count;
        for (int i = 0; i < count; i++) {
            cache.share(other.blocks[i]);
            set(i, other.blocks[i]);
        }
    }

    void release() {
        for (int i = 0; i < count; i++) {
            cache.release(blocks[i]);
        }
        count = 0;
    }

    private void set(int at, int block) {
        blocks[at] = block;
        addresses.setAtIndex(ValueLayout.JAVA_LONG, at, cache.memory(block).address());
    }
}
