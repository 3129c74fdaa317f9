package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.kernels.gen.gatun_attention_args;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The argument block of one attention call (see {@code gatun_attention} in {@code native/include/gatun.h}). Filled
 * once; {@link #run} allocates nothing. The operands' owner must outlive the block's arena.
 */
public final class Attention {
    private final MemorySegment args;
    private final MemorySegment queryCount;

    /**
     * One operand.
     *
     * @param data      first element of row 0
     * @param rowStride elements between rows
     */
    public record Operand(MemorySegment data, long rowStride) {
    }

    /**
     * Sizes.
     *
     * @param numHeads   query heads
     * @param numKvHeads key and value heads, a divisor of numHeads
     * @param headDim    elements of a head
     */
    public record Heads(long numHeads, long numKvHeads, long headDim) {
    }

    /**
     * How scores are made of products.
     *
     * @param scale     factor of the products
     * @param softcap   scaled ones become softcap * tanh(score / softcap); 0 for none
     * @param causal    whether a query sees only keys up to its own position
     * @param undefined weights of rows whose keys are all hidden, and of those with a score that is NaN: 0 zeros, NaN; 1 zeros; 2 NaN
     * @param window    keys at such a distance and beyond are hidden; 0 for none
     * @param distances F32 [heads or 1, 2 * reach + 1]: added by the distance from query to key; null for none
     * @param headStride elements between the heads' distances; 0 repeats
     * @param reach     largest distance that has a number of its own
     */
    public record Scores(float scale, float softcap, boolean causal, int undefined, long window, MemorySegment distances,
            long headStride, long reach) {
    }

    /**
     * Rows of positions, which queries and keys are multiplied with.
     *
     * @param keys    F32 [count, numHeads * headDim], by queries; null for none
     * @param queries the same, by keys
     * @param rows    S32 [2 * reach + 1], the row by the distance from query to key, each below count; null for none
     * @param count   of keys' and queries' rows
     * @param reach   largest distance that has a row of its own
     */
    public record Positions(MemorySegment keys, MemorySegment queries, MemorySegment rows, long count, long reach) {
        /** None. */
        public static final Positions NONE = new Positions(null, null, null, 0, 0);
    }

    /**
     * An additive mask; a stride of 0 repeats.
     *
     * @param data           off-heap F32; null for none
     * @param sequenceStride elements between sequences
     * @param headStride     elements between heads
     * @param rowStride      elements between query rows
     */
    public record Mask(MemorySegment data, long sequenceStride, long headStride, long rowStride) {
        /** No mask. */
        public static final Mask NONE = new Mask(null, 0, 0, 0);
    }

    /**
     * Fills the block.
     *
     * @param querySequences S32: how many sequences, then their offsets in rows of q; read at each run
     * @param keySequences   the same of k and v; may be the same memory
     * @param keyPadding     U8, one for each row of k, not 0 where hidden; null for none
     * @param scratch        {@link #scratchByteSize} bytes
     */
    public Attention(Arena arena, Heads heads, Scores scores, Positions positions, Operand q, Operand k, Operand v, Operand out,
            MemorySegment querySequences,
            MemorySegment keySequences, Mask mask, MemorySegment keyPadding, MemorySegment scratch) {
        this.args = gatun_attention_args.allocate(arena);
        this.queryCount = querySequences;
        gatun_attention_args.q(args, q.data());
        gatun_attention_args.k(args, k.data());
        gatun_attention_args.v(args, v.data());
        gatun_attention_args.out(args, out.data());
        gatun_attention_args.q_stride(args, q.rowStride());
        gatun_attention_args.k_stride(args, k.rowStride());
        gatun_attention_args.v_stride(args, v.rowStride());
        gatun_attention_args.out_stride(args, out.rowStride());
        gatun_attention_args.q_offsets(args, querySequences.asSlice(Integer.BYTES));
        gatun_attention_args.kv_offsets(args, keySequences.asSlice(Integer.BYTES));
        gatun_attention_args.num_heads(args, heads.numHeads());
        gatun_attention_args.num_kv_heads(args, heads.numKvHeads());
        gatun_attention_args.head_dim(args, heads.headDim());
        gatun_attention_args.mask(args, mask.data() == null ? MemorySegment.NULL : mask.data());
        gatun_attention_args.mask_seq_stride(args, mask.sequenceStride());
        gatun_attention_args.mask_head_stride(args, mask.headStride());
        gatun_attention_args.mask_row_stride(args, mask.rowStride());
        gatun_attention_args.key_padding(args, keyPadding == null ? MemorySegment.NULL : keyPadding);
        gatun_attention_args.scratch(args, scratch);
        gatun_attention_args.scale(args, scores.scale());
        gatun_attention_args.causal(args, scores.causal() ? 1 : 0);
        gatun_attention_args.softcap(args, scores.softcap());
        gatun_attention_args.undefined(args, scores.undefined());
        gatun_attention_args.window(args, scores.window());
        gatun_attention_args.distances(args, scores.distances() == null ? MemorySegment.NULL : scores.distances());
        gatun_attention_args.distance_head_stride(args, scores.headStride());
        gatun_attention_args.reach(args, scores.reach());
        gatun_attention_args.position_keys(args, positions.keys() == null ? MemorySegment.NULL : positions.keys());
        gatun_attention_args.position_queries(args, positions.queries() == null ? MemorySegment.NULL : positions.queries());
        gatun_attention_args.position_rows(args, positions.rows() == null ? MemorySegment.NULL : positions.rows());
        gatun_attention_args.num_positions(args, positions.count());
        gatun_attention_args.position_reach(args, positions.reach());
    }

    /** Bytes of scratch for sequences of at most so many keys, and so many rows of positions. */
    public static long scratchByteSize(long maxKeys, long headDim, long positions, int threads) {
        Kernels.load();
        return GatunC.gatun_attention_scratch_bytes(maxKeys, headDim, positions, threads);
    }

    /** Computes for as many sequences as there are now. */
    public void run() {
        gatun_attention_args.num_seqs(args, queryCount.get(ValueLayout.JAVA_INT, 0));
        GatunC.gatun_attention(args);
    }
}
