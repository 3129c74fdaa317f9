package dev.gatun.tensor.op;

import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * dst[t] = norm(scale * words[ids[t]] + positions[position[t]] + types[0]): F32 [tokens, d]. Operands: ids S32
 * [tokens] and, if there is a position table, positions S32 [tokens]. Whoever fills them has checked that they are in
 * their tables. Tables are the model's.
 *
 * @param words     F32 [vocabulary, d]
 * @param positions F32 [positions, d], or null
 * @param types     F32 [types, d], or null; every token is of type 0
 * @param norm      applied to the sum, or null
 * @param scale     factor of the word's row
 */
public record EmbeddingOp(Tensor words, Tensor positions, Tensor types, LayerNormWeights norm, float scale) implements Op {

    /** Checks the tables. */
    public EmbeddingOp {
        requireTable("words", words, words);
        if (positions != null) {
            requireTable("positions", positions, words);
        }
        if (types != null) {
            requireTable("types", types, words);
        }
        if (norm != null && norm.size() != words.shape().dim(1)) {
            throw new ShapeException("Embedding", "words " + words.shape() + ", norm [" + norm.size() + "]: sizes differ", words.shape());
        }
    }

    /** Without scale. */
    public EmbeddingOp(Tensor words, Tensor positions, Tensor types, LayerNormWeights norm) {
        this(words, positions, types, norm, 1f);
    }

    private static void requireTable(String name, Tensor table, Tensor words) {
        Shape shape = table.shape();
        if (shape.rank() != 2 || table.type() != DataType.F32 || shape.dim(1) != words.shape().dim(1)) {
            throw new ShapeException("Embedding", name + " " + table.desc() + " must be F32 [rows, d], d as of words "
                    + words.shape(), shape, words.shape());
        }
    }

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        int expected = positions == null ? 1 : 2;
        for (TensorDesc input : inputs) {
            if (input.type() != DataType.S32 || !input.shape().equals(inputs.getFirst().shape())) {
                throw new ShapeException("Embedding", "ids and positions " + inputs + " must be S32 of one shape", input.shape());
            }
        }
        if (inputs.size() != expected) {
            throw new IllegalArgumentException("Embedding: " + inputs.size() + " operands, expected " + expected);
        }
        long rows = inputs.getFirst().shape().elementCount();
        long d = words.shape().dim(1);
        RowKernels.Tables tables = new RowKernels.Tables(words.segment(), segment(positions), segment(types),
                norm == null ? null : norm.gamma().segment(), norm == null ? null : norm.beta().segment(),
                scale, norm == null ? 0 : norm.eps());
        return new KernelOp("embed", TensorDesc.of(DataType.F32, rows, d), CompiledOp.Sharing.NONE,
                binding -> RowKernels.embed(binding.arena(), tables, binding.inputs().get(0).segment(),
                        positions == null ? null : binding.inputs().get(1).segment(), null, binding.dst().segment(), rows, d));
    }

    private static MemorySegment segment(Tensor tensor) {
        return tensor == null ? null : tensor.segment();
    }
}
