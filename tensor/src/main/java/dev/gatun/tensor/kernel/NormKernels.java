package dev.gatun.tensor.kernel;

import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.bindings.onednn.Algorithms;
import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.BatchNormOp;
import dev.gatun.tensor.op.LayerNormOp;
import dev.gatun.tensor.op.LrnOp;
import dev.gatun.tensor.op.SoftmaxOp;
import dev.gatun.tensor.weights.LayerNormWeights;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** Normalizations and softmax. */
final class NormKernels {
    private NormKernels() {
    }

    static CompiledOp lrn(LrnOp op, CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        MemoryDesc memory = src.memoryDesc(context.arena());
        PrimitiveDesc desc = PrimitiveDesc.lrn(context.arena(), Algorithms.LRN_ACROSS_CHANNELS, memory, memory, op.size(), op.alpha(),
                op.beta(), op.k(), Attributes.create(context.arena()));
        return OneDnnOp.of(context, desc).input(0, Args.SRC, src).build(src);
    }

    static CompiledOp batchNorm(BatchNormOp op, CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        long channels = op.affine().channels();
        // oneDNN repeats what is added afterwards along the wrong dimension if there is one pixel for each channel: those are rows.
        boolean rows = src.isRowMajor() && src.shape().elementCount() == src.shape().dim(0) * channels;
        TensorDesc seen = rows ? TensorDesc.of(src.type(), src.shape().dim(0), channels) : src;
        long[] dims = new long[seen.shape().rank()];
        Arrays.fill(dims, 1);
        dims[1] = channels;
        Tensor factor = op.affine().factor().reshape(dims);
        Tensor offset = op.affine().offset().reshape(dims);
        MemoryDesc memory = seen.memoryDesc(context.arena());
        Attributes attributes = Attributes.create(context.arena());
        int at = attributes.appendBinary(Algorithms.BINARY_ADD, offset.desc().memoryDesc(context.arena()));
        op.activation().appendTo(attributes);
        PrimitiveDesc desc = PrimitiveDesc.binary(context.arena(), Algorithms.BINARY_MUL, memory,
                factor.desc().memoryDesc(context.arena()), memory, attributes);
        return OneDnnOp.of(context, desc).input(0, Args.SRC, src).constant(Args.SRC_1, factor)
                .constant(Args.binaryPostOp(at), offset).build(src, CompiledOp.Sharing.mayOverwrite(0));
    }

    static CompiledOp layerNorm(LayerNormOp op, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        LayerNormWeights weights = op.weights();
        long d = weights.size();
        long rows = src.shape().elementCount() / Math.max(1, d);
        return new KernelOp("layer_norm", src, CompiledOp.Sharing.mayOverwrite(0), binding -> {
            MemorySegment residual = inputs.size() > 1 ? binding.inputs().get(1).segment() : null;
            return RowKernels.layerNorm(binding.arena(), binding.inputs().get(0).segment(), residual, weights.gamma().segment(),
                    weights.beta() == null ? null : weights.beta().segment(), binding.dst().segment(), rows, d, weights.eps(),
                            weights.rms());
        });
    }

    static CompiledOp softmax(SoftmaxOp op, CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        int axis = op.axis() < 0 ? op.axis() + src.shape().rank() : op.axis();
        MemoryDesc desc = src.memoryDesc(context.arena());
        PrimitiveDesc softmax = PrimitiveDesc.softmax(context.arena(),
                op.log() ? Algorithms.LOG_SOFTMAX : Algorithms.SOFTMAX, desc, desc, axis, Attributes.create(context.arena()));
        return OneDnnOp.of(context, softmax).input(0, Args.SRC, src).build(src, CompiledOp.Sharing.mayOverwrite(0));
    }
}
