package dev.gatun.tensor.op;

import dev.gatun.bindings.kernels.Functions;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;
import java.util.Objects;

/**
 * One vector for each sequence of src F32 [tokens, d], made of its rows; zeros if it has none.
 * Second operand: sequences S32 [2 + maxSequences], how many there are and then their offsets in rows.
 * Result: F32 [maxSequences, d]; rows past the last sequence are left alone.
 *
 * @param kind         what becomes of the rows
 * @param normalize    divide by the Euclidean length
 * @param maxSequences rows of the result
 */
public record SequencePoolOp(Kind kind, boolean normalize, int maxSequences) implements Op {

    /**
     * What becomes of a sequence's rows: their mean, the first, the largest of each column, their sum over the root of their number, their
     * mean weighted by 1, 2, 3, ..., the last.
     */
    public enum Kind {
        MEAN, FIRST, MAX, MEAN_SQRT, WEIGHTED_MEAN, LAST;

        /** The number that our own kernel knows this by. */
        public int kernelCode() {
            return switch (this) {
                case MEAN -> Functions.POOL_MEAN;
                case FIRST -> Functions.POOL_FIRST;
                case MAX -> Functions.POOL_MAX;
                case MEAN_SQRT -> Functions.POOL_MEAN_SQRT;
                case WEIGHTED_MEAN -> Functions.POOL_WEIGHTED;
                case LAST -> Functions.POOL_LAST;
            };
        }
    }

    /** Checks the number. */
    public SequencePoolOp {
        Objects.requireNonNull(kind, "kind");
        if (maxSequences < 0 || maxSequences > Integer.MAX_VALUE - 2) {
            throw new IllegalArgumentException("SequencePool: maxSequences " + maxSequences + " must be 0 or more");
        }
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Operands.count("SequencePool", operands, 2);
        TensorDesc src = operands.get(0);
        TensorDesc sequences = operands.get(1);
        if (src.shape().rank() != 2 || src.type() != DataType.F32 || !src.isRowMajor()) {
            throw new ShapeException("SequencePool", "src " + src + " must be row-major F32 [tokens, d]", src.shape());
        }
        if (!Operands.isList(sequences, DataType.S32, maxSequences + 2L)) {
            throw new ShapeException("SequencePool", "sequences " + sequences + " must be S32 [" + (maxSequences + 2) + "]",
                    sequences.shape());
        }
        return List.of(TensorDesc.of(DataType.F32, maxSequences, src.shape().dim(1)));
    }
}
