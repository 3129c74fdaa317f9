package dev.gatun.models.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.gatun.tensor.op.KvLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class KvCacheTest {
    private static final int TOKENS = KvLayout.BLOCK_TOKENS;

    @Test
    void forksShareAllBlocksAndCopyOnlyTheOneTheyWrite() {
        KvLayout layout = new KvLayout(2, 1, 4);
        try (Arena arena = Arena.ofConfined(); KvCache cache = new KvCache(layout)) {
            MemorySegment parentAddresses = arena.allocate(80, 8);
            MemorySegment childAddresses = arena.allocate(80, 8);
            BlockTable parent = new BlockTable(cache, parentAddresses);
            parent.reserve(3 * TOKENS + 5);
            assertEquals(4, cache.blocksInUse());
            parent.memory(3).fill((byte) 7);
            BlockTable child = new BlockTable(cache, childAddresses);
            child.shareFrom(parent);
            assertEquals(4, cache.blocksInUse(), "nothing is copied when beams are reordered");
            child.makeWritable(3 * TOKENS + 5);
            assertEquals(5, cache.blocksInUse());
            for (int i = 0; i < 3; i++) {
                assertEquals(address(parentAddresses, i), address(childAddresses, i));
            }
            assertNotEquals(address(parentAddresses, 3), address(childAddresses, 3));
            assertEquals(-1, parent.memory(3).mismatch(child.memory(3)), "the copy has the tokens so far");
            parent.makeWritable(3 * TOKENS + 5);
            assertEquals(5, cache.blocksInUse(), "the last owner writes in place");
            BlockTable whole = new BlockTable(cache, arena.allocate(80, 8));
            child.release();
            assertEquals(4, cache.blocksInUse());
            parent.reserve(4 * TOKENS);
            whole.shareFrom(parent);
            whole.makeWritable(4 * TOKENS);
            assertEquals(5, cache.blocksInUse(), "a full last block is shared for good; the next is new");
            whole.release();
            parent.release();
            assertEquals(0, cache.blocksInUse());
        }
    }

    @Test
    void growsBySlabsAndKeepsWhatItHas() {
        KvLayout layout = new KvLayout(1, 8, 64);
        try (Arena arena = Arena.ofConfined(); KvCache cache = new KvCache(layout)) {
            assertEquals(0, cache.nativeByteSize());
            BlockTable table = new BlockTable(cache, arena.allocate(8000, 8));
            table.reserve(1);
            long slab = cache.nativeByteSize();
            table.reserve(1000 * TOKENS);
            long grown = cache.nativeByteSize();
            assertEquals(0, grown % slab);
            table.release();
            table.reserve(1000 * TOKENS);
            assertEquals(grown, cache.nativeByteSize());
            table.release();
        }
    }

    private static long address(MemorySegment addresses, int i) {
        return addresses.getAtIndex(ValueLayout.JAVA_LONG, i);
    }
}
