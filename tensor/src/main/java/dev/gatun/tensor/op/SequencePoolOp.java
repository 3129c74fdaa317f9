package dev.gatun.tensor.op;

import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.util.List;

/**
 * One vector for each sequence of src F32 [tokens, d]: the mean of its rows or its first row; zeros if it has none.
 * Second operand: sequences S32 [2 + maxSequences], how many there are and then their offsets in rows.
 * Result: F32 [maxSequences, d]; rows past the last sequence are left alone.
 *
 * @param mean         otherwise the first row
 * @param normalize    divide by the Euclidean length
 * @param maxSequences rows of the result
 */
public record SequencePoolOp(boolean mean, boolean normalize, int maxSequences) implements Op {

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        TensorDesc sequences = inputs.get(1);
        if (src.shape().rank() != 2 || src.type() != DataType.F32 || !src.isRowMajor()) {
            throw new ShapeException("SequencePool", "src " + src + " must be row-major F32 [tokens, d]", src.shape());
        }
        if (sequences.type() != DataType.S32 || sequences.shape().elementCount() != maxSequences + 2L) {
            throw new ShapeException("SequencePool", "sequences " + sequences + " must be S32 [" + (maxSequences + 2) + "]",
                    sequences.shape());
        }
        long d = src.shape().dim(1);
        return new KernelOp("pool", TensorDesc.of(DataType.F32, maxSequences, d), CompiledOp.Sharing.NONE,
                binding -> RowKernels.pool(binding.arena(), binding.inputs().get(0).segment(),
                        binding.inputs().get(1).segment(), binding.dst().segment(), d, !mean, normalize));
    }
}
