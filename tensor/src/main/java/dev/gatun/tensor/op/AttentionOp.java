package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * Attention(Q, K, V) = softmax(cap(scale * Q K^T) + distances + mask) V, multi-head, for sequences laid end to end (Vaswani et
 * al. 2017). Each sequence is computed by itself, scores live in cache a tile at a time, and rows whose
 * keys are all masked give zeros. Where a sequence has more keys than queries, the last query stands at the last key.
 *
 * <p>Operands, in this order: q F32 [rows, ..]; for {@link Source#SEPARATE} k F32 and v F32, for {@link Source#KEY_VALUE}
 * one F32 [rows, k and v side by side], for {@link Source#PACKED} nothing (q has q, k and v side by side);
 * sequences of q, S32 [2 + maxSequences]: how many, then their offsets in rows; sequences of k likewise, unless PACKED;
 * then mask F32 and keyPadding U8 [rows of k] where the parameters say so. Result: F32 [rows of q, numHeads * headDim].
 *
 * @param source     how q, k and v arrive
 * @param numHeads   query heads
 * @param numKvHeads key and value heads, a divisor of numHeads
 * @param headDim    elements of a head
 * @param causal     a query sees keys up to its own position, counted from the ends of both
 * @param mask       shape of the additive mask
 * @param keyPadding whether there is a byte for each key, not 0 where it is hidden
 * @param scores     what becomes of products before they are added to
 * @param distances  F32 [numHeads or 1, 2 * reach + 1], or null: column {@code reach + d} is added where the key stands d behind the
 *                   query, the first and the last column also for all that is further away; the model's
 * @param positions  what else queries and keys are multiplied with before products are scaled, or null; the model's
 */
public record AttentionOp(Source source, int numHeads, int numKvHeads, int headDim, boolean causal, MaskKind mask,
        boolean keyPadding, Scores scores, Tensor distances, Positions positions) implements Op {

    /** How the operands arrive. */
    public enum Source { PACKED, KEY_VALUE, SEPARATE }

    /** Dimensions of the additive mask: none, [queries, keys] for all, or one for each sequence and head too. */
    public enum MaskKind { NONE, QUERY_KEY, SEQUENCE_HEAD_QUERY_KEY }

    /** Weights of a row whose keys are all masked, and of one with a score that is NaN: zeros and NaN, zeros for both, NaN for both. */
    public enum Undefined { HIDDEN_IS_ZERO, ZERO, NAN }

    /**
     * What becomes of products, and which are left out.
     *
     * @param scale   their factor
     * @param softcap scaled ones become softcap * tanh(score / softcap); 0 for none
     * @param window  keys at such a distance from the query and beyond are hidden; 0 for none
     * @param undefined weights where softmax has none
     */
    public record Scores(float scale, float softcap, int window, Undefined undefined) {
        /** Zeros where all keys are masked. */
        public Scores(float scale, float softcap, int window) {
            this(scale, softcap, window, Undefined.HIDDEN_IS_ZERO);
        }

        /** Checks the numbers. */
        public Scores {
            if (!Float.isFinite(scale) || !Float.isFinite(softcap) || softcap < 0 || window < 0) {
                throw new IllegalArgumentException("Attention: scale " + scale + ", softcap " + softcap + ", window " + window
                        + ": all finite, softcap and window not negative");
            }
        }

        /** Scaled by 1 / sqrt(headDim), nothing else. */
        public static Scores of(int headDim) {
            return new Scores((float) (1 / Math.sqrt(headDim)), 0f, 0);
        }
    }

    /**
     * Disentangled attention (He et al. 2021): to a product of a query and a key is added that of the query with a row of keys, and that of
     * the key with a row of queries, of which {@code rows} says which: entry {@code reach + d} where the key stands d behind the query, the
     * first and the last also for all that is further away.
     *
     * @param keys    F32 [count, numHeads * headDim], or null for none
     * @param queries F32 [count, numHeads * headDim], or null for none
     * @param rows    S32 [2 * reach + 1], each below count
     */
    public record Positions(Tensor keys, Tensor queries, Tensor rows) {
        /** Checks shapes and rows. */
        public Positions {
            Tensor any = keys == null ? queries : keys;
            if (any == null || rows.type() != DataType.S32 || rows.shape().rank() != 1 || rows.shape().dim(0) % 2 == 0) {
                throw new ShapeException("Attention", "rows of positions " + rows.desc()
                        + " must be S32 [2 * reach + 1], of keys, queries or both",
                        rows.shape());
            }
            for (Tensor table : new Tensor[] {keys, queries}) {
                if (table != null && (table.type() != DataType.F32 || !table.desc().isRowMajor() || table.shape().rank() != 2
                        || !table.shape().equals(any.shape()))) {
                    throw new ShapeException("Attention", "positions " + table.desc() + " must be row-major F32 " + any.shape(),
                            table.shape());
                }
            }
            for (long i = 0; i < rows.shape().dim(0); i++) {
                if (rows.getInt(i) < 0 || rows.getInt(i) >= any.shape().dim(0)) {
                    throw new IllegalArgumentException("Attention: row " + rows.getInt(i) + " of positions, expected 0 to "
                            + (any.shape().dim(0) - 1));
                }
            }
        }

        /** How many rows there are. */
        public long count() {
            return (keys == null ? queries : keys).shape().dim(0);
        }
    }

    /** Scores scaled by 1 / sqrt(headDim). */
    public AttentionOp(Source source, int numHeads, int numKvHeads, int headDim, boolean causal, MaskKind mask, boolean keyPadding) {
        this(source, numHeads, numKvHeads, headDim, causal, mask, keyPadding, Scores.of(headDim), null, null);
    }

    /** Checks the numbers. */
    public AttentionOp {
        Objects.requireNonNull(source, "source");
        Objects.requireNonNull(mask, "mask");
        Objects.requireNonNull(scores, "scores");
        if (numHeads < 1 || numKvHeads < 1 || headDim < 1 || numHeads % numKvHeads != 0 || (long) numHeads * headDim > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("Attention: numHeads " + numHeads + ", numKvHeads " + numKvHeads + ", headDim "
                    + headDim + ": all positive, numKvHeads a divisor of numHeads, and numHeads * headDim at most " + Integer.MAX_VALUE);
        }
        if (distances != null) {
            requireDistances(numHeads, distances.desc());
        }
        Tensor table = positions == null ? null : positions.keys == null ? positions.queries : positions.keys;
        if (table != null && table.shape().dim(1) != (long) numHeads * headDim) {
            throw new ShapeException("Attention", "positions " + table.desc() + " must have " + (long) numHeads * headDim + " columns",
                    table.shape());
        }
    }

    /** Refuses what is not F32 [numHeads or 1, an odd number]. */
    public static void requireDistances(int numHeads, TensorDesc desc) {
        if (desc.type() != DataType.F32 || !desc.isRowMajor() || desc.shape().rank() != 2 || desc.shape().dim(1) % 2 == 0
                || desc.shape().dim(0) != 1 && desc.shape().dim(0) != numHeads) {
            throw new ShapeException("Attention", "distances " + desc + " must be row-major F32 [" + numHeads + " or 1, 2 * reach + 1]",
                    desc.shape());
        }
    }

    /** Self-attention over one [tokens, 3 * dModel] product, without masks: what an encoder needs. */
    public static AttentionOp packedSelf(int numHeads, int headDim) {
        return new AttentionOp(Source.PACKED, numHeads, numHeads, headDim, false, MaskKind.NONE, false);
    }

    /** The same with operands that arrive otherwise. */
    public AttentionOp withSource(Source other) {
        return new AttentionOp(other, numHeads, numKvHeads, headDim, causal, mask, keyPadding, scores, distances, positions);
    }

    /** The same with other scores. */
    public AttentionOp withScores(Scores other) {
        return new AttentionOp(source, numHeads, numKvHeads, headDim, causal, mask, keyPadding, other, distances, positions);
    }

    /** The same with other distances. */
    public AttentionOp withDistances(Tensor other) {
        return new AttentionOp(source, numHeads, numKvHeads, headDim, causal, mask, keyPadding, scores, other, positions);
    }

    /** The same with other positions. */
    public AttentionOp withPositions(Positions other) {
        return new AttentionOp(source, numHeads, numKvHeads, headDim, causal, mask, keyPadding, scores, distances, other);
    }

    @Override
    public List<MemorySegment.Scope> owners() {
        return Operands.owners(distances);
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        At.of(this, operands);
        return List.of(TensorDesc.of(DataType.F32, operands.get(0).shape().dim(0), (long) numHeads * headDim));
    }

    /**
     * Positions of the operands; -1 where there is none.
     *
     * @param key            of k, or of what has it
     * @param value          of v, or of what has it
     * @param querySequences of the sequences of q
     * @param keySequences   of the sequences of k
     * @param mask           of the additive mask
     * @param padding        of the key padding
     */
    public record At(int key, int value, int querySequences, int keySequences, int mask, int padding) {

        /** Finds them, and checks the operands. */
        public static At of(AttentionOp op, List<TensorDesc> inputs) {
            int next = 1;
            int key = op.source == Source.PACKED ? 0 : next++;
            int value = op.source == Source.SEPARATE ? next++ : key;
            int querySequences = next++;
            int keySequences = op.source == Source.PACKED ? querySequences : next++;
            int mask = op.mask == MaskKind.NONE ? -1 : next++;
            int padding = op.keyPadding ? next++ : -1;
            if (inputs.size() != next) {
                throw new IllegalArgumentException("Attention: " + inputs.size() + " operands, expected " + next);
            }
            At operands = new At(key, value, querySequences, keySequences, mask, padding);
            operands.check(op, inputs);
            return operands;
        }

        private void check(AttentionOp op, List<TensorDesc> inputs) {
            long dModel = (long) op.numHeads * op.headDim;
            long dKv = (long) op.numKvHeads * op.headDim;
            requireRows(inputs.get(0), "q", op.source == Source.PACKED ? dModel + 2 * dKv : dModel);
            if (op.source != Source.PACKED) {
                requireRows(inputs.get(key), "k", op.source == Source.KEY_VALUE ? 2 * dKv : dKv);
                requireRows(inputs.get(value), "v", op.source == Source.KEY_VALUE ? 2 * dKv : dKv);
                if (inputs.get(key).shape().dim(0) != inputs.get(value).shape().dim(0)) {
                    throw new ShapeException("Attention", "k " + inputs.get(key) + ", v " + inputs.get(value) + ": rows differ",
                            inputs.get(key).shape(), inputs.get(value).shape());
                }
            }
            Operands.maxSequences("Attention", inputs.get(querySequences));
            Operands.maxSequences("Attention", inputs.get(keySequences));
            if (mask >= 0) {
                int rank = op.mask == MaskKind.QUERY_KEY ? 2 : 4;
                TensorDesc desc = inputs.get(mask);
                if (desc.type() != DataType.F32 || !desc.isRowMajor() || desc.shape().rank() != rank
                        || rank == 4 && desc.shape().dim(1) != 1 && desc.shape().dim(1) != op.numHeads) {
                    throw new ShapeException("Attention", "mask " + desc + " must be row-major F32 "
                            + (rank == 2 ? "[queries, keys]" : "[sequences or 1, " + op.numHeads + " heads or 1, queries, keys]"),
                            desc.shape());
                }
            }
            if (padding >= 0 && !Operands.isList(inputs.get(padding), DataType.U8, inputs.get(key).shape().dim(0))) {
                throw new ShapeException("Attention", "keyPadding " + inputs.get(padding) + " must be U8 ["
                        + inputs.get(key).shape().dim(0) + "]", inputs.get(padding).shape());
            }
        }

        private static void requireRows(TensorDesc desc, String name, long columns) {
            if (desc.type() != DataType.F32 || desc.shape().rank() != 2 || !desc.isRowMajor() || desc.shape().dim(1) != columns) {
                throw new ShapeException("Attention", name + " " + desc + " must be row-major F32 [rows, " + columns + "]", desc.shape());
            }
        }
    }
}
