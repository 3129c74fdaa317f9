package dev.gatun.tensor.kernel;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.kernels.MatrixKernels;
import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.weights.LinearWeights;
import java.lang.foreign.MemorySegment;

/**
 * A linear layer by our own product, bias, activation and residual in registers. A scale, and a residual after an
 * activation, are rare: they take a pass of their own.
 *
 * @param op   parameters
 * @param rows M
 * @param dst  F32 [M, N]
 */
record GatunLinear(LinearOp op, long rows, TensorDesc dst) implements CompiledOp {

    private boolean fused() {
        return op.scale() == 1f && (!op.residual() || op.activation() == Activation.NONE);
    }

    @Override
    public Sharing sharing() {
        return op.residual() && fused() ? Sharing.mayOverwrite(1) : Sharing.NONE;
    }

    @Override
    public String implementation() {
        return "gatun_gemm:" + Kernels.isa();
    }

    @Override
    public Step bind(Binding binding) {
        LinearWeights weights = op.weights();
        MemorySegment bias = weights.bias() == null ? null : weights.bias().segment();
        MemorySegment residual = op.residual() ? binding.inputs().get(1).segment() : null;
        MemorySegment dst = binding.dst().segment();
        boolean fused = fused();
        Runnable product = MatrixKernels.gemm(binding.arena(), binding.inputs().get(0).segment(), weights.panels(),
                fused ? bias : null, fused ? residual : null, dst, rows, weights.outFeatures(), weights.inFeatures(),
                fused ? op.activation().kernelCode() : Activation.NONE.kernelCode());
        if (fused) {
            return product::run;
        }
        Runnable rest = RowKernels.biasActivation(binding.arena(), dst, bias, residual, rows, weights.outFeatures(), op.scale(),
                op.activation().kernelCode());
        return () -> {
            product.run();
            rest.run();
        };
    }
}
