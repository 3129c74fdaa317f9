package dev.gatun.tensor.op;

import dev.gatun.bindings.kernels.MatrixKernels;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import java.lang.foreign.MemorySegment;

/**
 * Convolutions over channels-last pictures that our own kernels compute faster than oneDNN: 1 x 1 with stride 1 is a product of
 * pixels and weights; 3 x 3 with stride 1 goes through Winograd's transform, whose results differ from the plain sum's by some
 * millionths of the largest.
 */
final class GatunConv {
    /** Transformed weights take four times the memory: for the widest layers that is more than their few pixels are worth. */
    private static final long MAX_WINOGRAD_FLOATS = 4L << 20;

    private GatunConv() {
    }

    /** The compiled convolution, or null if it is not one of these. */
    static CompiledOp compile(CompileContext context, ConvOp op, TensorDesc src, TensorDesc residual, Shape dst) {
        ConvWeights weights = op.weights();
        long pad = op.window().plainPadding();
        boolean plain = pad >= 0 && weights.groups() == 1 && src.format() == MemoryFormat.CHANNELS_LAST
                && (residual == null || residual.format() == MemoryFormat.CHANNELS_LAST)
                && (op.activation() == Activation.NONE || op.activation() == Activation.RELU)
                && weights.inChannels() % MatrixKernels.WINOGRAD_CHANNELS == 0 && weights.outChannels() % MatrixKernels.WINOGRAD_CHANNELS == 0
                && weights.kernel(0) == weights.kernel(1) && !System.getProperty("gatun.conv", "").equals("onednn");
        TensorDesc result = TensorDesc.of(DataType.F32, dst, MemoryFormat.CHANNELS_LAST);
        if (plain && weights.kernel(0) == 1 && pad == 0) {
            return product(op, result);
        }
        boolean small = MatrixKernels.winogradFloats(weights.inChannels(), weights.outChannels()) <= MAX_WINOGRAD_FLOATS;
        return plain && weights.kernel(0) == 3 && small ? winograd(context, op, src, pad, result) : null;
    }

    private static CompiledOp.Sharing sharing(ConvOp op) {
        return op.residual() ? CompiledOp.Sharing.mustOverwrite(1) : CompiledOp.Sharing.NONE;
    }

    private static MemorySegment bias(ConvWeights weights) {
        return weights.bias() == null ? null : weights.bias().segment();
    }

    private static CompiledOp product(ConvOp op, TensorDesc dst) {
        ConvWeights weights = op.weights();
        MemorySegment panels = weights.panels();
        long pixels = dst.shape().dim(0) * dst.shape().dim(2) * dst.shape().dim(3);
        return new KernelOp("gemm", dst, sharing(op), b -> MatrixKernels.gemm(b.arena(), b.inputs().get(0).segment(), panels,
                bias(weights), op.residual() ? b.dst().segment() : null, b.dst().segment(), pixels, weights.outChannels(),
                weights.inChannels(), op.activation().kernelCode()));
    }

    private static CompiledOp winograd(CompileContext context, ConvOp op, TensorDesc src, long pad, TensorDesc dst) {
        ConvWeights weights = op.weights();
        MemorySegment u = weights.winograd();
        MatrixKernels.Convolution sizes = new MatrixKernels.Convolution(src.shape().dim(0), src.shape().dim(2), src.shape().dim(3),
                weights.inChannels(), weights.outChannels(), pad);
        return new KernelOp("winograd", dst, MatrixKernels.winogradScratchBytes(sizes, context.threads()), sharing(op),
                b -> MatrixKernels.winograd(b.arena(), sizes, b.inputs().get(0).segment(), u, bias(weights),
                        op.residual() ? b.dst().segment() : null, b.dst().segment(), b.scratchpad(), op.activation().kernelCode()));
    }
}
