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
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Int8ConvOp;
import dev.gatun.tensor.op.Int8LinearOp;
import dev.gatun.tensor.weights.ConvWeights;
import dev.gatun.tensor.weights.Int8Weights;
import java.util.List;

/** Products and convolutions of bytes, by oneDNN. */
final class Int8Kernels {
    private Int8Kernels() {
    }

    static CompiledOp conv(Int8ConvOp op, CompileContext context, List<TensorDesc> inputs, Shape shape) {
        inputs.forEach(Int8Kernels::requireChannelsLast);
        TensorDesc src = inputs.get(0);
        Int8Weights weights = op.weights();
        TensorDesc dst = TensorDesc.of(op.type(), shape, MemoryFormat.CHANNELS_LAST);
        boolean residual = op.residualScale() > 0;
        Attributes attributes = Attributes.create(context.arena())
                .scales(Args.SRC, 0).scales(Args.WEIGHTS, 1).scales(Args.DST, 0);
        if (residual) {
            attributes.appendSum(op.residualScale(), 0, inputs.get(1).type().oneDnn());
        }
        op.activation().appendTo(attributes);
        MemoryDesc bias = weights.bias() == null ? null : weights.bias().desc().memoryDesc(context.arena());
        PrimitiveDesc desc = PrimitiveDesc.convolution(context.arena(), Algorithms.CONVOLUTION_DIRECT, src.memoryDesc(context.arena()),
                MemoryDesc.ofTag(context.arena(), weights.kernelDims(), DataType.S8.oneDnn(), Tags.ANY), bias,
                dst.memoryDesc(context.arena()), op.window().oneDnn(), attributes);
        ConvWeights.Packed packed = weights.in(desc.weights(context.arena(), weights.kernelDims()));
        OneDnnOp.Builder builder = OneDnnOp.of(context, desc).input(0, Args.SRC, src)
                .constant(Args.WEIGHTS, packed.desc(), packed.data())
                .constant(Args.scalesOf(Args.SRC), one(context, op.srcScale()))
                .constant(Args.scalesOf(Args.WEIGHTS), weights.scales())
                .constant(Args.scalesOf(Args.DST), one(context, op.dstScale()));
        if (bias != null) {
            builder.constant(Args.BIAS, weights.bias());
        }
        return builder.build(dst, residual ? CompiledOp.Sharing.mustOverwrite(1) : CompiledOp.Sharing.NONE);
    }

    private static Tensor one(CompileContext context, float value) {
        return Tensor.ofFloats(context.arena(), new float[] {value}, 1);
    }

    private static void requireChannelsLast(TensorDesc desc) {
        // One pixel or one channel: both plain layouts are the same bytes.
        boolean same = desc.isRowMajor() && (desc.shape().dim(1) == 1 || desc.shape().dim(2) * desc.shape().dim(3) == 1);
        if (desc.format() != MemoryFormat.CHANNELS_LAST && !same) {
            throw new ShapeException("Int8Conv", "operand " + desc + " must be channels-last", desc.shape());
        }
    }

    static CompiledOp linear(Int8LinearOp op, CompileContext context, List<TensorDesc> inputs, TensorDesc dst) {
        TensorDesc src = inputs.get(0);
        Int8Weights weights = op.weights();
        Attributes attributes = Attributes.create(context.arena()).scales(Args.SRC, 0).scales(Args.WEIGHTS, 1 << 1);
        op.activation().appendTo(attributes);
        Tensor bias = weights.bias() == null ? null : weights.bias().reshape(1, dst.shape().dim(1));
        PrimitiveDesc desc = PrimitiveDesc.matmul(context.arena(), src.memoryDesc(context.arena()),
                MemoryDesc.ofTag(context.arena(), weights.kernelDims(), DataType.S8.oneDnn(), Tags.ANY),
                bias == null ? null : bias.desc().memoryDesc(context.arena()), dst.memoryDesc(context.arena()), attributes);
        ConvWeights.Packed packed = weights.in(desc.weights(context.arena(), weights.kernelDims()));
        OneDnnOp.Builder builder = OneDnnOp.of(context, desc).input(0, Args.SRC, src)
                .constant(Args.WEIGHTS, packed.desc(), packed.data())
                .constant(Args.scalesOf(Args.SRC), one(context, op.srcScale()))
                .constant(Args.scalesOf(Args.WEIGHTS), weights.scales());
        return (bias == null ? builder : builder.constant(Args.BIAS, bias)).build(dst);
    }
}
