package dev.gatun.tensor.kernel;

import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.bindings.openblas.OpenBlas;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.weights.LinearWeights;
import java.lang.foreign.MemorySegment;

/**
 * A linear layer by OpenBLAS on blocks of rows, with bias, activation and residual added while a block is in cache.
 *
 * @param op   parameters
 * @param rows M
 * @param dst  F32 [M, N]
 */
record OpenBlasLinear(LinearOp op, long rows, TensorDesc dst) implements CompiledOp {

    @Override
    public Sharing sharing() {
        // With a function between product and residual, the product would destroy what is still to be added.
        boolean sums = op.residual() && op.activation() == Activation.NONE && op.scale() == 1f;
        return sums ? Sharing.mayOverwrite(1) : Sharing.NONE;
    }

    @Override
    public String implementation() {
        return "openblas_sgemm:" + OpenBlas.coreName();
    }

    @Override
    public Step bind(Binding binding) {
        LinearWeights weights = op.weights();
        MemorySegment bias = weights.bias() == null ? null : weights.bias().segment();
        MemorySegment residual = op.residual() ? binding.inputs().get(1).segment() : null;
        return RowKernels.sgemm(binding.arena(), OpenBlas.sgemmAddress(), binding.inputs().get(0).segment(),
                weights.data().segment(), bias, residual, binding.dst().segment(), rows, weights.outFeatures(),
                weights.inFeatures(), op.scale(), op.activation().kernelCode())::run;
    }
}
