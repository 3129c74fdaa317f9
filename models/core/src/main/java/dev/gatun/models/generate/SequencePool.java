package dev.gatun.models.generate;

import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.tensor.op.KvLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;

/** Sequences and block tables of a session: made when first needed, used again and again. One thread. */
final class SequencePool {
    private final KvCache cache;
    private final Arena arena;
    private final int slabTables;
    private MemorySegment tables;
    private final long tableBytes;
    private long tablesLeft;
    private final ArrayDeque<Sequence> sequences = new ArrayDeque<>();
    private final ArrayDeque<BlockTable> sources = new ArrayDeque<>();

    /**
     * A pool.
     *
     * @param arena        owns the tables
     * @param slabTables   how many are made at once
     * @param maxPositions tokens of the longest
     */
    SequencePool(Arena arena, KvCache cache, int slabTables, int maxPositions) {
        this.cache = cache;
        this.tableBytes = (long) KvLayout.blocks(maxPositions) * Long.BYTES;
        this.arena = arena;
        this.slabTables = slabTables;
    }

    Sequence takeSequence() {
        Sequence sequence = sequences.pollLast();
        return sequence == null ? new Sequence(newTable()) : sequence;
    }

    BlockTable takeSource() {
        BlockTable table = sources.pollLast();
        return table == null ? newTable() : table;
    }

    private BlockTable newTable() {
        if (tablesLeft == 0) {
            tables = NativeBuffer.allocate(arena, slabTables * tableBytes).segment();
            tablesLeft = slabTables;
        }
        return new BlockTable(cache, tables.asSlice(--tablesLeft * tableBytes, tableBytes));
    }

    void giveBack(Sequence sequence) {
        sequence.table.release();
        sequences.addLast(sequence);
    }

    void giveBack(BlockTable source) {
        source.release();
        sources.addLast(source);
    }
}
