package dev.gatun.tensor.op;

import dev.gatun.bindings.kernels.NarrowKernels;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.weights.LayerNormWeights;
import dev.gatun.tensor.weights.LinearWeights;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * dst[t] = norm(scale * words[ids[t]] + positions[position[t]] + types[0]): F32 [tokens, d]. Operands: ids S32
 * [tokens] and, if there is a position table, positions S32 [tokens]; then types S32 [tokens] if
 * there are {@code typeIds}. An index outside its table is refused when it is met. Tables are the model's.
 *
 * @param words     of the vocabulary
 * @param positions F32 [positions, d], or null
 * @param types     F32 [types, d], or null
 * @param typeIds   whether the last operand is each token's type; otherwise all are of type 0
 * @param norm      applied to the sum, or null
 * @param scale     factor of the word's row
 */
public record EmbeddingOp(Words words, Tensor positions, Tensor types, boolean typeIds, LayerNormWeights norm, float scale) implements Op {

    /**
     * The words, of which one is there.
     *
     * @param rows   F32 [vocabulary, d]
     * @param scores weights [d, vocabulary] of our own product in F32, F16 or BF16: those of the scores where both are tied
     */
    public record Words(Tensor rows, LinearWeights scores) {
        /** Checks what there is. */
        public Words {
            boolean packed = scores != null && rows == null && (scores.panels() != null
                    || scores.narrow() != null && scores.narrow().type() != NarrowKernels.INT8);
            if (!packed && (rows == null || scores != null || rows.shape().rank() != 2 || rows.type() != DataType.F32)) {
                throw new ShapeException("Embedding", "words " + (rows == null ? scores : rows.desc()) + " must be F32 [vocabulary, d]"
                        + " or packed for our own product, not as bytes", rows == null ? Shape.of() : rows.shape());
            }
        }

        /** How many there are. */
        public long count() {
            return rows == null ? scores.outFeatures() : rows.shape().dim(0);
        }

        /** Elements of each. */
        public long width() {
            return rows == null ? scores.inFeatures() : rows.shape().dim(1);
        }
    }

    /** Checks the tables. */
    public EmbeddingOp {
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
        if (norm != null && norm.size() != words.width()) {
            throw new ShapeException("Embedding", "words [" + words.count() + ", " + words.width() + "], norm [" + norm.size()
                    + "]: sizes differ", norm.gamma().shape());
        }
    }

    /** Without scale and type ids. */
    public EmbeddingOp(Tensor words, Tensor positions, Tensor types, LayerNormWeights norm) {
        this(new Words(words, null), positions, types, false, norm, 1f);
    }

    private static void requireTable(String name, Tensor table, Words words) {
        Shape shape = table.shape();
        if (shape.rank() != 2 || table.type() != DataType.F32 || shape.dim(1) != words.width()) {
            throw new ShapeException("Embedding", name + " " + table.desc() + " must be F32 [rows, d], d as of words "
                    + words.width(), shape);
        }
    }

    @Override
    public List<MemorySegment.Scope> owners() {
        List<MemorySegment.Scope> owners = new ArrayList<>(Operands.owners(words.rows(), positions, types,
                norm == null ? null : norm.gamma(), norm == null ? null : norm.beta()));
        if (words.scores() != null) {
            owners.add(words.scores().owner());
        }
        return owners;
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
        return List.of(TensorDesc.of(DataType.F32, operands.getFirst().shape().elementCount(), words.width()));
    }
}
