package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.kernels.gen.gatun_kv_store_args;
import dev.gatun.bindings.kernels.gen.gatun_paged_attention_args;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Attention over a cache of keys and values in blocks, and storing into it (see {@code gatun_paged_attention} in
 * {@code native/include/gatun.h}). Argument blocks are filled once; running allocates nothing. A table is an
 * array of addresses of blocks; operands' owners must outlive the arena, blocks each run.
 */
public final class PagedAttention {
    /** Tokens of a block. */
    public static final int BLOCK_TOKENS = GatunC.GATUN_KV_BLOCK();

    private PagedAttention() {
    }

    /**
     * One layer's part of a cache.
     *
     * @param part       where it begins in a block, in elements
     * @param numKvHeads key and value heads
     * @param headDim    elements of a head
     * @param type       of elements: 0 for F32, {@link NarrowKernels#F16}
     */
    public record Part(long part, long numKvHeads, long headDim, int type) {
    }

    /**
     * Stores sequences from their first token on.
     *
     * @param k         first key row
     * @param v         first value row
     * @param rowStride elements between rows of either
     * @param sequences S32: how many, then their offsets in rows; read at each run
     * @param tables    addresses of tables, one for each sequence
     */
    public static Runnable store(Arena arena, Part part, MemorySegment k, MemorySegment v, long rowStride,
            MemorySegment sequences, MemorySegment tables) {
        Kernels.load();
        MemorySegment args = gatun_kv_store_args.allocate(arena);
        gatun_kv_store_args.k(args, k);
        gatun_kv_store_args.v(args, v);
        gatun_kv_store_args.stride(args, rowStride);
        gatun_kv_store_args.offsets(args, sequences.asSlice(Integer.BYTES));
        gatun_kv_store_args.tables(args, tables);
        gatun_kv_store_args.part(args, part.part());
        gatun_kv_store_args.num_kv_heads(args, part.numKvHeads());
        gatun_kv_store_args.head_dim(args, part.headDim());
        gatun_kv_store_args.type(args, part.type());
        return () -> {
            gatun_kv_store_args.num_seqs(args, sequences.get(ValueLayout.JAVA_INT, 0));
            GatunC.gatun_kv_store(args);
        };
    }

    /**
     * What one attention call reads and writes.
     *
     * @param q         first query row
     * @param qStride   elements between query rows
     * @param newK      first row of keys to append; null for none
     * @param newV      first row of values to append; null for none
     * @param newStride elements between rows of either
     * @param out       F32 [rows, numHeads * headDim]
     * @param lengths   S32 [rows]: tokens, the appended one included; 0 for a row that is not in use
     * @param tables    addresses of tables, one for each row
     */
    public record Operands(MemorySegment q, long qStride, MemorySegment newK, MemorySegment newV, long newStride,
            MemorySegment out, MemorySegment lengths, MemorySegment tables) {
    }

    /** Bytes of scratch for sequences of at most so many tokens. */
    public static long scratchByteSize(long maxKeys, long numHeads, int threads) {
        return (maxKeys + BLOCK_TOKENS - 1) / BLOCK_TOKENS * BLOCK_TOKENS * numHeads * Float.BYTES * threads;
    }

    /**
     * What becomes of products.
     *
     * @param scale     their factor
     * @param distances F32, for each head what is added to scaled ones; null for nothing
     * @param stride    elements between heads, 0 where all share them
     * @param reach     before a head's entry for distance 0
     */
    public record Scores(float scale, MemorySegment distances, long stride, long reach) {
    }

    /** One query row for each sequence. */
    public static Runnable attend(Arena arena, Part part, long numHeads, Scores scores, long rows, long maxKeys,
            Operands operands, MemorySegment scratch) {
        Kernels.load();
        MemorySegment args = gatun_paged_attention_args.allocate(arena);
        gatun_paged_attention_args.q(args, operands.q());
        gatun_paged_attention_args.new_k(args, operands.newK() == null ? MemorySegment.NULL : operands.newK());
        gatun_paged_attention_args.new_v(args, operands.newV() == null ? MemorySegment.NULL : operands.newV());
        gatun_paged_attention_args.out(args, operands.out());
        gatun_paged_attention_args.q_stride(args, operands.qStride());
        gatun_paged_attention_args.new_stride(args, operands.newStride());
        gatun_paged_attention_args.out_stride(args, numHeads * part.headDim());
        gatun_paged_attention_args.lengths(args, operands.lengths());
        gatun_paged_attention_args.tables(args, operands.tables());
        gatun_paged_attention_args.part(args, part.part());
        gatun_paged_attention_args.rows(args, rows);
        gatun_paged_attention_args.num_heads(args, numHeads);
        gatun_paged_attention_args.num_kv_heads(args, part.numKvHeads());
        gatun_paged_attention_args.head_dim(args, part.headDim());
        gatun_paged_attention_args.type(args, part.type());
        gatun_paged_attention_args.max_keys(args, maxKeys);
        gatun_paged_attention_args.scratch(args, scratch);
        gatun_paged_attention_args.distances(args, scores.distances() == null ? MemorySegment.NULL : scores.distances());
        gatun_paged_attention_args.distance_stride(args, scores.stride());
        gatun_paged_attention_args.reach(args, scores.reach());
        gatun_paged_attention_args.scale(args, scores.scale());
        return () -> GatunC.gatun_paged_attention(args);
    }
}
