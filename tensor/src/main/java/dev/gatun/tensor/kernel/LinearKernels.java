package dev.gatun.tensor.kernel;

import dev.gatun.bindings.onednn.Algorithms;
import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.op.MatMulOp;
import dev.gatun.tensor.weights.LinearWeights;
import java.util.List;

/** Products of rows and weights, and of two activations. */
final class LinearKernels {
    private LinearKernels() {
    }

    static CompiledOp linear(LinearOp op, CompileContext context, List<TensorDesc> inputs, TensorDesc dst) {
        long rows = dst.shape().dim(0);
        return switch (op.weights().kernel()) {
            case ONEDNN -> oneDnn(op, context, inputs, dst);
            case OPENBLAS -> new OpenBlasLinear(op, rows, dst);
            case GATUN -> op.weights().panels() != null ? new GatunLinear(op, rows, dst) : new NarrowLinear(op, rows, dst);
        };
    }

    private static CompiledOp oneDnn(LinearOp op, CompileContext context, List<TensorDesc> inputs, TensorDesc dst) {
        TensorDesc src = inputs.get(0);
        LinearWeights weights = op.weights();
        MemoryDesc dstDesc = dst.memoryDesc(context.arena());
        MemoryDesc bias = weights.bias() == null ? null : weights.bias().desc().memoryDesc(context.arena());
        Attributes attributes = scaled(context, op.scale());
        op.activation().appendTo(attributes);
        int residualAt = op.residual() ? attributes.appendBinary(Algorithms.BINARY_ADD, dstDesc) : -1;
        PrimitiveDesc desc = PrimitiveDesc.matmul(
                context.arena(), src.memoryDesc(context.arena()), weights.desc(), bias, dstDesc, attributes);
        OneDnnOp.Builder builder = OneDnnOp.of(context, desc)
                .input(0, Args.SRC, src)
                .constant(Args.WEIGHTS, weights.desc(), weights.data());
        if (bias != null) {
            builder.constant(Args.BIAS, weights.bias());
        }
        // Never over the residual's memory: with long K, partial products are kept in dst before the residual is read.
        return (op.residual() ? builder.input(1, Args.binaryPostOp(residualAt), inputs.get(1)) : builder).build(dst);
    }

    private static Attributes scaled(CompileContext context, float scale) {
        Attributes attributes = Attributes.create(context.arena());
        if (scale != 1f) {
            attributes.appendEltwise(Algorithms.ELTWISE_LINEAR, scale, 0f);
        }
        return attributes;
    }

    static CompiledOp matMul(MatMulOp op, CompileContext context, List<TensorDesc> inputs, TensorDesc dst) {
        TensorDesc src = inputs.get(0);
        if (src.shape().dim(-1) == 0) {
            return new Empty(dst, op.activation() == Activation.SIGMOID ? 0.5f : 0f);
        }
        Attributes attributes = scaled(context, op.scale());
        op.activation().appendTo(attributes);
        MemoryDesc weights = weightsDesc(op, context, inputs.get(1));
        PrimitiveDesc desc = PrimitiveDesc.matmul(context.arena(), src.memoryDesc(context.arena()), weights, null,
                dst.memoryDesc(context.arena()), attributes);
        return OneDnnOp.of(context, desc).input(0, Args.SRC, src).input(1, Args.WEIGHTS, weights).build(dst);
    }

    /** A product of no numbers, which oneDNN leaves unwritten: the function's value at 0. */
    private record Empty(TensorDesc dst, float value) implements CompiledOp {
        @Override
        public String implementation() {
            return "java:plain";
        }

        @Override
        public Step bind(Binding binding) {
            return () -> {
                for (long i = 0; i < dst.shape().elementCount(); i++) {
                    binding.dst().setFloat(i, value);
                }
            };
        }
    }

    private static MemoryDesc weightsDesc(MatMulOp op, CompileContext context, TensorDesc other) {
        if (!op.transposeOther()) {
            return other.memoryDesc(context.arena());
        }
        long[] dims = other.shape().dims();
        long[] strides = other.shape().rowMajorStrides();
        swapLast(dims);
        swapLast(strides);
        return MemoryDesc.ofStrides(context.arena(), dims, other.type().oneDnn(), strides);
    }

    private static void swapLast(long[] values) {
        int n = values.length;
        long last = values[n - 1];
        values[n - 1] = values[n - 2];
        values[n - 2] = last;
    }
}
