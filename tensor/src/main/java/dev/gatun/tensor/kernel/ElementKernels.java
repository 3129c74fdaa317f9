package dev.gatun.tensor.kernel;

import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.bindings.onednn.Algorithms;
import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.FunctionOp;
import dev.gatun.tensor.op.GatedOp;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
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

    /** The first step's factor is a product's, whose kernel computes the others while the result is in registers. */
    static CompiledOp function(FunctionOp op, CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        MemoryDesc desc = src.memoryDesc(context.arena());
        Attributes attributes = Attributes.create(context.arena());
        op.steps().forEach(step -> attributes.appendEltwise(switch (step.kind()) {
            case CLIP -> Algorithms.ELTWISE_CLIP;
            case ELU -> Algorithms.ELTWISE_ELU;
            case LINEAR -> Algorithms.ELTWISE_LINEAR;
            case LEAKY -> Algorithms.ELTWISE_RELU;
            case SQRT -> Algorithms.ELTWISE_SQRT;
        }, step.alpha(), step.beta()));
        long[] ones = new long[src.shape().rank()];
        Arrays.fill(ones, 1);
        Tensor one = Tensor.ofFloats(context.arena(), new float[] {1}, ones);
        PrimitiveDesc product = PrimitiveDesc.binary(context.arena(), Algorithms.BINARY_MUL, desc, one.desc().memoryDesc(context.arena()),
                desc, attributes);
        return OneDnnOp.of(context, product).input(0, Args.SRC, src).constant(Args.SRC_1, one)
                .build(src, CompiledOp.Sharing.mayOverwrite(0));
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
