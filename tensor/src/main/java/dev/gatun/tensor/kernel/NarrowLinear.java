package dev.gatun.tensor.kernel;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.kernels.NarrowKernels;
import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.LinearOp;
import java.lang.foreign.MemorySegment;

/**
 * A linear layer by our own product with narrow weights: bias, activation and residual as in {@link GatunLinear}.
 *
 * @param op   parameters
 * @param rows M
 * @param dst  F32 [M, N]
 */
record NarrowLinear(LinearOp op, long rows, TensorDesc dst) implements CompiledOp {

    private boolean fused() {
        return op.scale() == 1f && (!op.residual() || op.activation() == Activation.NONE);
    }

    @Override
    public long scratchpadByteSize() {
        return NarrowKernels.scratchBytes(op.weights().narrow(), rows);
    }

    @Override
    public Sharing sharing() {
        return op.residual() && fused() ? Sharing.mayOverwrite(1) : Sharing.NONE;
    }

    @Override
    public String implementation() {
        int type = op.weights().narrow().type();
        return "gatun_" + (type == NarrowKernels.INT8 ? "int8" : type == NarrowKernels.F16 ? "f16" : "bf16") + ":" + Kernels.isa();
    }

    @Override
    public Step bind(Binding binding) {
        MemorySegment bias = op.weights().bias() == null ? null : op.weights().bias().segment();
        MemorySegment residual = op.residual() ? binding.inputs().get(1).segment() : null;
        MemorySegment dst = binding.dst().segment();
        boolean fused = fused();
        Runnable product = NarrowKernels.product(binding.arena(), binding.inputs().get(0).segment(), op.weights().narrow(),
                fused ? bias : null, fused ? residual : null, dst, binding.scratchpad(), rows,
                fused ? op.activation().kernelCode() : Activation.NONE.kernelCode());
        if (fused) {
            return product::run;
        }
        Runnable rest = RowKernels.biasActivation(binding.arena(), dst, bias, residual, rows, op.weights().outFeatures(), op.scale(),
                op.activation().kernelCode());
        return () -> {
            product.run();
            rest.run();
        };
    }
}
