package dev.gatun.tensor.kernel;

import dev.gatun.bindings.onednn.Algorithms;
import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.bindings.onednn.Tags;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.ConvOp;
import dev.gatun.tensor.op.ConvPoolOp;
import dev.gatun.tensor.op.ConvTransposeOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.weights.ConvWeights;
import java.util.List;

/** Convolutions: by our own kernels where they are faster, otherwise by oneDNN. */
final class ConvKernels {
    private ConvKernels() {
    }

    static CompiledOp conv(ConvOp op, CompileContext context, List<TensorDesc> inputs, Shape dst) {
        CompiledOp own = GatunConv.compile(context, op, inputs.get(0), op.residual() ? inputs.get(1) : null, dst);
        return own != null ? own : oneDnn(op, context, inputs, dst);
    }

    private static CompiledOp oneDnn(ConvOp op, CompileContext context, List<TensorDesc> inputs, Shape dst) {
        TensorDesc src = inputs.get(0);
        ConvWeights weights = op.weights();
        Attributes attributes = Attributes.create(context.arena());
        if (op.residual()) {
            attributes.appendSum(1f, 0, DataType.F32.oneDnn());
        }
        op.activation().appendTo(attributes);
        MemoryDesc dstWanted = op.residual() ? inputs.get(1).memoryDesc(context.arena())
                : OneDnnOp.wanted(context, dst, DataType.F32, op.layout());
        MemoryDesc bias = weights.bias() == null ? null : weights.bias().desc().memoryDesc(context.arena());
        PrimitiveDesc desc = PrimitiveDesc.convolution(context.arena(), Algorithms.CONVOLUTION_DIRECT,
                OneDnnOp.wanted(context, src.shape(), DataType.F32, op.layout()), MemoryDesc.ofTag(context.arena(), weights.kernelDims(),
                        DataType.F32.oneDnn(), Tags.ANY), bias, dstWanted, op.window().oneDnn(), attributes);
        ConvWeights.Packed packed = weights.in(desc.weights(context.arena(), weights.kernelDims()));
        OneDnnOp.Builder builder = OneDnnOp.of(context, desc)
                .reorderedInput(0, Args.SRC, src, desc.src(context.arena(), src.shape().dims()))
                .constant(Args.WEIGHTS, packed.desc(), packed.data());
        if (bias != null) {
            builder.constant(Args.BIAS, weights.bias());
        }
        return op.residual() ? builder.build(inputs.get(1), CompiledOp.Sharing.mustOverwrite(1))
                : builder.build(TensorDesc.chosen(DataType.F32, dst, desc.dst(context.arena(), dst.dims())));
    }

    static CompiledOp convPool(ConvPoolOp op, CompileContext context, List<TensorDesc> inputs, Shape dst) {
        if (GatunConv.pools(op.conv(), inputs.get(0))) {
            return GatunConv.compilePooled(context, op.conv(), inputs.get(0), dst);
        }
        Shape between = op.conv().results(inputs).getFirst().shape();
        CompiledOp first = conv(op.conv(), context, inputs, between);
        PoolOp pool = PoolOp.max(2);
        return new Chain(first, PoolKernels.pool(pool, context, List.of(first.dst()), dst));
    }

    static CompiledOp transposed(ConvTransposeOp op, CompileContext context, List<TensorDesc> inputs, Shape dst) {
        TensorDesc src = inputs.get(0);
        ConvWeights weights = op.weights();
        Attributes attributes = Attributes.create(context.arena());
        op.activation().appendTo(attributes);
        MemoryDesc bias = weights.bias() == null ? null : weights.bias().desc().memoryDesc(context.arena());
        PrimitiveDesc desc = PrimitiveDesc.deconvolution(context.arena(),
                OneDnnOp.wanted(context, src.shape(), DataType.F32, MemoryFormat.ANY),
                MemoryDesc.ofTag(context.arena(), weights.kernelDims(), DataType.F32.oneDnn(), Tags.ANY), bias,
                OneDnnOp.wanted(context, dst, DataType.F32, MemoryFormat.ANY), op.window().oneDnn(), attributes);
        ConvWeights.Packed packed = weights.in(desc.weights(context.arena(), weights.kernelDims()));
        OneDnnOp.Builder builder = OneDnnOp.of(context, desc)
                .reorderedInput(0, Args.SRC, src, desc.src(context.arena(), src.shape().dims()))
                .constant(Args.WEIGHTS, packed.desc(), packed.data());
        if (bias != null) {
            builder.constant(Args.BIAS, weights.bias());
        }
        return builder.build(TensorDesc.chosen(DataType.F32, dst, desc.dst(context.arena(), dst.dims())));
    }
}
