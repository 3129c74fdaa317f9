package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * Attention(Q, K, V) = softmax(Q K^T / sqrt(headDim) + mask) V, multi-head, for sequences laid end to end (Vaswani et
 * al. 2017). Each sequence is computed by itself, scores live in cache a tile at a time, and rows whose
 * keys are all masked give zeros.
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
 */
public record AttentionOp(Source source, int numHeads, int numKvHeads, int headDim, boolean causal, MaskKind mask,
        boolean keyPadding) implements Op {

    /** How the operands arrive. */
    public enum Source { PACKED, KEY_VALUE, SEPARATE }

    /** Dimensions of the additive mask: none, [queries, keys] for all, or one for each sequence and head too. */
    public enum MaskKind { NONE, QUERY_KEY, SEQUENCE_HEAD_QUERY_KEY }

    /** Checks the numbers. */
    public AttentionOp {
        if (numHeads < 1 || numKvHeads < 1 || headDim < 1 || numHeads % numKvHeads != 0) {
            throw new IllegalArgumentException("Attention: numHeads " + numHeads + ", numKvHeads " + numKvHeads + ", headDim "
                    + headDim + ": all positive, and numKvHeads a divisor of numHeads");
        }
    }

    /** Self-attention over one [tokens, 3 * dModel] product, without masks: what an encoder needs. */
    public static AttentionOp packedSelf(int numHeads, int headDim) {
        return new AttentionOp(Source.PACKED, numHeads, numHeads, headDim, false, MaskKind.NONE, false);
    }

    /** The same with operands that arrive otherwise. */
    public AttentionOp withSource(Source other) {
        return new AttentionOp(other, numHeads, numKvHeads, headDim, causal, mask, keyPadding);
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
            }
            requireSequences(inputs.get(querySequences));
            requireSequences(inputs.get(keySequences));
            if (mask >= 0) {
                int rank = op.mask == MaskKind.QUERY_KEY ? 2 : 4;
                TensorDesc desc = inputs.get(mask);
                if (desc.type() != DataType.F32 || desc.shape().rank() != rank
                        || rank == 4 && desc.shape().dim(1) != 1 && desc.shape().dim(1) != op.numHeads) {
                    throw new ShapeException("Attention", "mask " + desc + " must be F32 "
                            + (rank == 2 ? "[queries, keys]" : "[sequences or 1, " + op.numHeads + " heads or 1, queries, keys]"),
                            desc.shape());
                }
            }
            if (padding >= 0 && (inputs.get(padding).type() != DataType.U8
                    || inputs.get(padding).shape().elementCount() != inputs.get(key).shape().dim(0))) {
                throw new ShapeException("Attention", "keyPadding " + inputs.get(padding) + " must be U8 ["
                        + inputs.get(key).shape().dim(0) + "]", inputs.get(padding).shape());
            }
        }

        private static void requireRows(TensorDesc desc, String name, long columns) {
            if (desc.type() != DataType.F32 || desc.shape().rank() != 2 || !desc.isRowMajor() || desc.shape().dim(1) != columns) {
                throw new ShapeException("Attention", name + " " + desc + " must be row-major F32 [rows, " + columns + "]", desc.shape());
            }
        }

        private static void requireSequences(TensorDesc desc) {
            if (desc.type() != DataType.S32 || desc.shape().rank() != 1 || desc.shape().dim(0) < 2) {
                throw new ShapeException("Attention", "sequences " + desc + " must be S32 [2 + maxSequences]", desc.shape());
            }
        }
    }
}
