package dev.gatun.tensor.kernel;

import dev.gatun.bindings.kernels.BytesKernels;
import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.kernels.NarrowKernels;
import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.LinearOp;
import java.lang.foreign.MemorySegment;

/**
 * A linear layer by our own products with narrow weights, and with weights that are bytes in their file: bias, activation and residual as
 * in {@link GatunLinear}.
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
        return op.weights().bytes() != null ? BytesKernels.scratchBytes(op.weights().bytes(), rows)
                : NarrowKernels.scratchBytes(op.weights().narrow(), rows);
    }

    @Override
    public Sharing sharing() {
        return op.residual() && fused() ? Sharing.mayOverwrite(1) : Sharing.NONE;
    }

    @Override
    public String implementation() {
        if (op.weights().bytes() != null) {
            return "gatun_bytes:" + Kernels.isa();
        }
        int type = op.weights().narrow().type();
        return "gatun_" + (type == NarrowKernels.INT8 ? "int8" : type == NarrowKernels.F16 ? "f16" : "bf16") + ":" + Kernels.isa();
    }

    @Override
    public Step bind(Binding binding) {
        MemorySegment bias = op.weights().bias() == null ? null : op.weights().bias().segment();
        MemorySegment residual = op.residual() ? binding.inputs().get(1).segment() : null;
        MemorySegment dst = binding.dst().segment();
        boolean fused = fused();
        MemorySegment src = binding.inputs().get(0).segment();
        int activation = fused ? op.activation().kernelCode() : Activation.NONE.kernelCode();
        Runnable product = op.weights().bytes() != null
                ? BytesKernels.product(binding.arena(), src, op.weights().bytes(), fused ? bias : null, fused ? residual : null, dst,
                        binding.scratchpad(), rows, activation)
                : NarrowKernels.product(binding.arena(), src, op.weights().narrow(), fused ? bias : null, fused ? residual : null, dst,
                        binding.scratchpad(), rows, activation);
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
