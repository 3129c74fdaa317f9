package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Heads of queries and keys before they meet in attention: each is divided by its root mean square and multiplied with its gamma, if there
 * is one, then rotated by its row's position, if there is a table (Su et al. 2021). Operands: x F32 [tokens, columns], whose rows begin
 * with {@code queryHeads}, then {@code keyHeads}, and may have more, which stays as it is: the joined product of query, key and value is an
 * operand as it is. With a table the second operand says where rows stand: sequences S32 [2 + maxSequences], how many and their offsets,
 * in each of which positions count from 0, or positions S32 [tokens]. Rows past the last sequence stay as they are. Result: F32 of x's
 * shape, over its memory where nothing reads that later.
 *
 * @param heads     sizes
 * @param table     F32 [positions, rotaryDim]: the cosines of a position's angles, then their sines; or null. The model's
 * @param queryNorm F32 [headDim], gamma of the queries' norm, or null; the model's
 * @param keyNorm   F32 [headDim], of the keys', or null; the model's
 * @param epsilon   added to the mean square
 */
public record RotaryOp(Heads heads, Tensor table, Tensor queryNorm, Tensor keyNorm, float epsilon) implements Op {

    /**
     * Sizes, and which elements make a pair.
     *
     * @param queryHeads  first heads of a row
     * @param keyHeads    heads behind them
     * @param headDim     elements of a head, of which the first rotaryDim are rotated
     * @param interleaved whether pairs are neighbours, 2i and 2i + 1; otherwise they are i and i + rotaryDim / 2
     * @param positions   whether each row's position is given, rather than the sequences
     */
    public record Heads(int queryHeads, int keyHeads, int headDim, boolean interleaved, boolean positions) {
        /** Checks the numbers. */
        public Heads {
            if (queryHeads < 0 || keyHeads < 0 || queryHeads + keyHeads < 1 || headDim < 1) {
                throw new IllegalArgumentException("Rotary: " + queryHeads + " heads of queries, " + keyHeads + " of keys, headDim "
                        + headDim
                        + ": expected one or more");
            }
        }

        /** Refuses a table or a norm that does not fit; null is none. */
        public void require(Shape table, Shape queryNorm, Shape keyNorm) {
            if (table != null && (table.rank() != 2 || table.dim(1) % 2 != 0 || table.dim(1) < 2 || table.dim(1) > headDim)) {
                throw new ShapeException("Rotary", "table " + table + " must be [positions, an even number up to headDim " + headDim + "]",
                        table);
            }
            for (Shape norm : new Shape[] {queryNorm, keyNorm}) {
                if (norm != null && !norm.equals(Shape.of(headDim))) {
                    throw new ShapeException("Rotary", "norm " + norm + " must be [" + headDim + "]", norm);
                }
            }
        }

        /** The result for such operands. */
        public TensorDesc result(List<TensorDesc> operands, boolean rotated) {
            Operands.count("Rotary", operands, rotated ? 2 : 1);
            TensorDesc x = operands.getFirst();
            long columns = (long) (queryHeads + keyHeads) * headDim;
            if (x.type() != DataType.F32 || x.shape().rank() != 2 || !x.isRowMajor() || x.shape().dim(1) < columns) {
                throw new ShapeException("Rotary", "x " + x + " must be row-major F32 [tokens, " + columns + " or more]", x.shape());
            }
            TensorDesc places = rotated ? operands.get(1) : null;
            if (places != null && (places.type() != DataType.S32 || places.shape().rank() != 1
                    || (positions ? places.shape().dim(0) != x.shape().dim(0) : places.shape().dim(0) < 2))) {
                throw new ShapeException("Rotary", (positions ? "positions " : "sequences ") + places + " must be S32 ["
                        + (positions ? x.shape().dim(0) : "2 + maxSequences") + "]", places.shape());
            }
            return x;
        }
    }

    /** Checks the shapes. */
    public RotaryOp {
        if (table == null && queryNorm == null && keyNorm == null) {
            throw new IllegalArgumentException("Rotary: neither a table nor a norm");
        }
        heads.require(shape(table), shape(queryNorm), shape(keyNorm));
    }

    private static Shape shape(Tensor tensor) {
        if (tensor != null && (tensor.type() != DataType.F32 || !tensor.desc().isRowMajor())) {
            throw new ShapeException("Rotary", tensor.desc() + " must be row-major F32", tensor.shape());
        }
        return tensor == null ? null : tensor.shape();
    }

    @Override
    public List<MemorySegment.Scope> owners() {
        return Operands.owners(table, queryNorm, keyNorm);
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        return List.of(heads.result(operands, table != null));
    }
}
