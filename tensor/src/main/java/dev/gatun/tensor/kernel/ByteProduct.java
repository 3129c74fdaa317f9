package dev.gatun.tensor.kernel;

import dev.gatun.bindings.kernels.BytesKernels;
import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.ByteProductOp;

/**
 * Whole sums by our own product of bytes.
 *
 * @param op  parameters
 * @param src U8 or S8 [M, K]
 * @param dst S32 [M, N]
 */
record ByteProduct(ByteProductOp op, TensorDesc src, TensorDesc dst) implements CompiledOp {

    @Override
    public long scratchpadByteSize() {
        return BytesKernels.scratchBytes(op.weights().bytes(), src.shape().dim(0));
    }

    @Override
    public String implementation() {
        return "gatun_bytes:" + Kernels.isa();
    }

    @Override
    public Step bind(Binding binding) {
        Runnable sums = BytesKernels.sums(binding.arena(), src.type() == DataType.S8 ? BytesKernels.Kind.S8 : BytesKernels.Kind.U8,
                binding.inputs().get(0).segment(), binding.inputs().size() < 2 ? null : binding.inputs().get(1).segment(),
                op.weights().bytes(), binding.dst().segment(), binding.scratchpad(), src.shape().dim(0));
        return sums::run;
    }
}
