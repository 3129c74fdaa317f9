package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.weights.LayerNormWeights;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * dst[t] = norm(scale * words[ids[t]] + positions[position[t]] + types[0]): F32 [tokens, d]. Operands: ids S32
 * [tokens] and, if there is a position table, positions S32 [tokens]; then types S32 [tokens] if
 * there are {@code typeIds}. An index outside its table is refused when it is met. Tables are the model's.
 *
 * @param words     F32 [vocabulary, d]
 * @param positions F32 [positions, d], or null
 * @param types     F32 [types, d], or null
 * @param typeIds   whether the last operand is each token's type; otherwise all are of type 0
 * @param norm      applied to the sum, or null
 * @param scale     factor of the word's row
 */
public record EmbeddingOp(Tensor words, Tensor positions, Tensor types, boolean typeIds, LayerNormWeights norm, float scale) implements Op {

    /** Checks the tables. */
    public EmbeddingOp {
        requireTable("words", words, words);
        if (positions != null) {
            requireTable("positions", positions, words);
        }
        if (types != null) {
            requireTable("types", types, words);
        }
        if (types != null && types.shape().dim(0) == 0) {
            throw new ShapeException("Embedding", "types " + types.desc() + ": no rows", types.shape());
        }
        if (typeIds && types == null) {
            throw new IllegalArgumentException("Embedding: type ids without a table of types");
        }
        if (norm != null && norm.rms()) {
            throw new IllegalArgumentException("Embedding: an RMS norm is an operation of its own");
        }
        if (norm != null && norm.size() != words.shape().dim(1)) {
            throw new ShapeException("Embedding", "words " + words.shape() + ", norm [" + norm.size() + "]: sizes differ", words.shape());
        }
    }

    /** Without scale and type ids. */
    public EmbeddingOp(Tensor words, Tensor positions, Tensor types, LayerNormWeights norm) {
        this(words, positions, types, false, norm, 1f);
    }

    private static void requireTable(String name, Tensor table, Tensor words) {
        Shape shape = table.shape();
        if (shape.rank() != 2 || table.type() != DataType.F32 || shape.dim(1) != words.shape().dim(1)) {
            throw new ShapeException("Embedding", name + " " + table.desc() + " must be F32 [rows, d], d as of words "
                    + words.shape(), shape, words.shape());
        }
    }

    @Override
    public List<MemorySegment.Scope> owners() {
        return Operands.owners(words, positions, types, norm == null ? null : norm.gamma(), norm == null ? null : norm.beta());
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Operands.count("Embedding", operands, 1 + (positions == null ? 0 : 1) + (typeIds ? 1 : 0));
        for (TensorDesc operand : operands) {
            if (operand.type() != DataType.S32 || !operand.isRowMajor() || !operand.shape().equals(operands.getFirst().shape())) {
                throw new ShapeException("Embedding", "ids, positions and types " + operands + " must be row-major S32 of one shape",
                        operand.shape());
            }
        }
        return List.of(TensorDesc.of(DataType.F32, operands.getFirst().shape().elementCount(), words.shape().dim(1)));
    }
}
