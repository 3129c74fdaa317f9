package dev.gatun.tensor.kernel;

import dev.gatun.bindings.kernels.MatrixKernels;
import dev.gatun.bindings.loader.Setting;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.ConvOp;
import dev.gatun.tensor.weights.ConvWeights;
import java.lang.foreign.MemorySegment;

/**
 * Convolutions that our own kernels compute faster than oneDNN. Over channels-last pictures: 1 x 1 with stride 1 is a product of
 * pixels and weights; 3 x 3 with stride 1 goes through Winograd's transform, whose results differ from the plain sum's by some
 * millionths of the largest. Over few planes: a network's first, whose result is channels-last. The latter two also take the largest of
 * each two by two pixels.
 */
final class GatunConv {
    /** Transformed weights take four times the memory: for the widest layers that is more than their few pixels are worth. */
    private static final long MAX_WINOGRAD_FLOATS = 4L << 20;
    private static final long MAX_STEM_CHANNELS = 4;

    private enum Kind { NONE, PRODUCT, WINOGRAD, STEM }

    private GatunConv() {
    }

    private static Kind kind(ConvOp op, TensorDesc src, TensorDesc residual) {
        ConvWeights weights = op.weights();
        boolean plain = op.layout() != MemoryFormat.ROW_MAJOR && op.window().plainPadding() >= 0 && weights.groups() == 1
                && (op.activation() == Activation.NONE || op.activation() == Activation.RELU)
                && weights.outChannels() % MatrixKernels.WINOGRAD_CHANNELS == 0 && !Setting.CONV.text().equals("onednn");
        if (!plain) {
            return Kind.NONE;
        }
        if (src.isRowMajor() && residual == null && weights.inChannels() <= MAX_STEM_CHANNELS
                && weights.inChannels() * weights.kernel(0) * weights.kernel(1) <= MatrixKernels.STEM_DEPTH) {
            return Kind.STEM;
        }
        if (src.format() != MemoryFormat.CHANNELS_LAST || residual != null && residual.format() != MemoryFormat.CHANNELS_LAST
                || op.window().strides()[0] != 1 || weights.kernel(0) != weights.kernel(1)
                || weights.inChannels() % MatrixKernels.WINOGRAD_CHANNELS != 0) {
            return Kind.NONE;
        }
        if (weights.kernel(0) == 1 && op.window().plainPadding() == 0) {
            return Kind.PRODUCT;
        }
        boolean small = MatrixKernels.winogradFloats(weights.inChannels(), weights.outChannels()) <= MAX_WINOGRAD_FLOATS;
        return weights.kernel(0) == 3 && small ? Kind.WINOGRAD : Kind.NONE;
    }

    /** The compiled convolution, or null if it is not one of these. */
    static CompiledOp compile(CompileContext context, ConvOp op, TensorDesc src, TensorDesc residual, Shape dst) {
        return switch (kind(op, src, residual)) {
            case NONE -> null;
            case PRODUCT -> product(op, channelsLast(dst));
            case WINOGRAD -> winograd(context, op, src, false, channelsLast(dst));
            case STEM -> stem(context, op, src, false, channelsLast(dst));
        };
    }

    /** Whether {@link #compilePooled} takes this convolution of one operand. */
    static boolean pools(ConvOp op, TensorDesc src) {
        Kind kind = kind(op, src, null);
        return !op.residual() && (kind == Kind.WINOGRAD || kind == Kind.STEM);
    }

    /** The convolution, and the largest of each two by two of its pixels. */
    static CompiledOp compilePooled(CompileContext context, ConvOp op, TensorDesc src, Shape dst) {
        return kind(op, src, null) == Kind.STEM ? stem(context, op, src, true, channelsLast(dst))
                : winograd(context, op, src, true, channelsLast(dst));
    }

    private static TensorDesc channelsLast(Shape dst) {
        return TensorDesc.of(DataType.F32, dst, MemoryFormat.CHANNELS_LAST);
    }

    private static CompiledOp.Sharing sharing(ConvOp op) {
        return op.residual() ? CompiledOp.Sharing.mustOverwrite(1) : CompiledOp.Sharing.NONE;
    }

    private static MemorySegment bias(ConvWeights weights) {
        return weights.bias() == null ? null : weights.bias().segment();
    }

    private static MatrixKernels.Convolution sizes(ConvOp op, TensorDesc src, boolean pool) {
        return new MatrixKernels.Convolution(src.shape().dim(0), src.shape().dim(2), src.shape().dim(3), op.weights().inChannels(),
                op.weights().outChannels(), op.window().plainPadding(), pool);
    }

    private static CompiledOp product(ConvOp op, TensorDesc dst) {
        ConvWeights weights = op.weights();
        MatrixKernels.Panels panels = weights.panels();
        long pixels = dst.shape().dim(0) * dst.shape().dim(2) * dst.shape().dim(3);
        return new KernelOp("gemm", dst, sharing(op), b -> MatrixKernels.gemm(b.arena(), b.inputs().get(0).segment(), panels,
                bias(weights), op.residual() ? b.dst().segment() : null, b.dst().segment(), pixels, weights.outChannels(),
                weights.inChannels(), op.activation().kernelCode()));
    }

    private static CompiledOp winograd(CompileContext context, ConvOp op, TensorDesc src, boolean pool, TensorDesc dst) {
        ConvWeights weights = op.weights();
        MemorySegment u = weights.winograd();
        MatrixKernels.Convolution sizes = sizes(op, src, pool);
        return new KernelOp(pool ? "winograd_pool" : "winograd", dst, MatrixKernels.winogradScratchBytes(sizes, context.threads()),
                sharing(op),
                b -> MatrixKernels.winograd(b.arena(), sizes, b.inputs().get(0).segment(), u, bias(weights),
                        op.residual() ? b.dst().segment() : null, b.dst().segment(), b.scratchpad(), op.activation().kernelCode()));
    }

    private static CompiledOp stem(CompileContext context, ConvOp op, TensorDesc src, boolean pool, TensorDesc dst) {
        ConvWeights weights = op.weights();
        MatrixKernels.Panels panels = weights.panels();
        MatrixKernels.Stem sizes = new MatrixKernels.Stem(sizes(op, src, pool), weights.kernel(0), weights.kernel(1),
                op.window().strides()[0]);
        return new KernelOp(pool ? "stem_pool" : "stem", dst, MatrixKernels.stemScratchBytes(sizes, context.threads()), sharing(op),
                b -> MatrixKernels.stem(b.arena(), sizes, b.inputs().get(0).segment(), panels, bias(weights), b.dst().segment(),
                        b.scratchpad(), op.activation().kernelCode()));
    }
}
