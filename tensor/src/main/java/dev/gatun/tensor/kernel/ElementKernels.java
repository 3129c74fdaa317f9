package dev.gatun.tensor.kernel;

import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.bindings.onednn.Algorithms;
import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.GatedOp;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Functions of elements. */
final class ElementKernels {
    private ElementKernels() {
    }

    static CompiledOp eltwise(EltwiseOp op, CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        MemoryDesc desc = src.memoryDesc(context.arena());
        if (op.activation() == Activation.RELU2) {
            return squaredRelu(src, desc.byteSize() / Float.BYTES);
        }
        PrimitiveDesc eltwise = PrimitiveDesc.eltwise(context.arena(), op.activation().oneDnnAlgorithm(), desc, desc,
                op.activation().alpha(), op.activation().beta(), Attributes.create(context.arena()));
        return OneDnnOp.of(context, eltwise).input(0, Args.SRC, src).build(src, CompiledOp.Sharing.mayOverwrite(0));
    }

    /** oneDNN has no such function; of any layout, whose padding of zeros stays. */
    private static CompiledOp squaredRelu(TensorDesc src, long floats) {
        return new KernelOp("eltwise", src, CompiledOp.Sharing.mayOverwrite(0), binding -> {
            MemorySegment from = binding.inputs().get(0).segment();
            MemorySegment to = binding.dst().segment();
            Runnable kernel = RowKernels.biasActivation(binding.arena(), to, null, null, 1, floats, 1f, Activation.RELU2.kernelCode());
            boolean copies = from.address() != to.address();
            return () -> {
                if (copies) {
                    MemorySegment.copy(from, 0, to, 0, floats * Float.BYTES);
                }
                kernel.run();
            };
        });
    }

    static CompiledOp gated(GatedOp op, List<TensorDesc> inputs, TensorDesc dst) {
        long rows = dst.shape().dim(0);
        long cols = dst.shape().dim(1);
        return new KernelOp("gated", dst, CompiledOp.Sharing.NONE, binding -> RowKernels.gated(binding.arena(),
                binding.inputs().get(0).segment(), binding.dst().segment(), rows, cols, op.activation().kernelCode(), op.gateLast()));
    }

    static CompiledOp binary(BinaryOp op, CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src0 = inputs.get(0);
        TensorDesc src1 = inputs.get(1);
        MemoryDesc dst = src0.memoryDesc(context.arena());
        Attributes attributes = Attributes.create(context.arena());
        op.activation().appendTo(attributes);
        PrimitiveDesc desc = PrimitiveDesc.binary(
                context.arena(), algorithm(op.operator()), dst, src1.memoryDesc(context.arena()), dst, attributes);
        return OneDnnOp.of(context, desc).input(0, Args.SRC, src0).input(1, Args.SRC_1, src1)
                .build(src0, CompiledOp.Sharing.mayOverwrite(0));
    }

    private static int algorithm(BinaryOp.Operator operator) {
        return switch (operator) {
            case ADD -> Algorithms.BINARY_ADD;
            case SUB -> Algorithms.BINARY_SUB;
            case MUL -> Algorithms.BINARY_MUL;
            case DIV -> Algorithms.BINARY_DIV;
            case MAX -> Algorithms.BINARY_MAX;
            case MIN -> Algorithms.BINARY_MIN;
        };
    }
}
