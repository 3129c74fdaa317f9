package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.bindings.onednn.Tags;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.util.List;

/**
 * dst = activation(transposed convolution of src + bias), the gradient of a convolution with regard to its input.
 * src F32 [N, IC, H, W] or [N, IC, W], dst F32 [N, OC, OH, OW] with OH = (H - 1) * stride - paddingBegin - paddingEnd +
 * dilation * (KH - 1) + 1; PyTorch's output_padding is a smaller paddingEnd. Layouts as in {@link ConvOp}.
 *
 * @param weights    made by {@link ConvWeights#ofTransposed}
 * @param window     of the convolution that this one reverses
 * @param activation applied last
 */
public record ConvTransposeOp(ConvWeights weights, Window window, Activation activation) implements Op {

    /** Checks that weights and window have the same number of dimensions. */
    public ConvTransposeOp {
        if (!weights.transposed() || weights.shape().rank() != window.rank() + 2) {
            throw new ShapeException("ConvTranspose", "weights " + weights.shape() + (weights.transposed() ? "" : " not transposed")
                    + " do not fit a window with " + window, weights.shape());
        }
    }

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        Shape dst = check(src);
        Attributes attributes = Attributes.create(context.arena());
        activation.appendTo(attributes);
        MemoryDesc bias = weights.bias() == null ? null : weights.bias().desc().memoryDesc(context.arena());
        PrimitiveDesc desc = PrimitiveDesc.deconvolution(context.arena(),
                OneDnnOp.wanted(context, src.shape(), DataType.F32, MemoryFormat.ANY),
                MemoryDesc.ofTag(context.arena(), weights.kernelDims(), DataType.F32.oneDnn(), Tags.ANY), bias,
                OneDnnOp.wanted(context, dst, DataType.F32, MemoryFormat.ANY), window.oneDnn(), attributes);
        ConvWeights.Packed packed = weights.in(desc.weights(context.arena(), weights.kernelDims()));
        OneDnnOp.Builder builder = OneDnnOp.of(context, desc)
                .reorderedInput(0, Args.SRC, src, desc.src(context.arena(), src.shape().dims()))
                .constant(Args.WEIGHTS, packed.desc(), packed.data());
        if (bias != null) {
            builder.constant(Args.BIAS, weights.bias());
        }
        return builder.build(TensorDesc.chosen(DataType.F32, dst, desc.dst(context.arena(), dst.dims())));
    }

    private Shape check(TensorDesc src) {
        Shape s = src.shape();
        Shape w = weights.shape();
        if (src.type() != DataType.F32 || s.rank() != w.rank() || s.dim(1) != weights.inChannels()) {
            throw new ShapeException("ConvTranspose", "src " + src + ", weights " + w + " of " + weights.groups()
                    + " groups: src must be F32 [N, " + weights.inChannels() + ", ...] of " + w.rank() + " dimensions", s, w);
        }
        long[] dims = s.dims();
        dims[1] = weights.outChannels();
        for (int i = 0; i < window.rank(); i++) {
            dims[2 + i] = window.transposedSize(i, s.dim(2 + i), weights.kernel(i));
            if (dims[2 + i] < 1) {
                throw new ShapeException("ConvTranspose", "src " + s + ", weights " + w + ", " + window + ": nothing is left", s, w);
            }
        }
        return Shape.of(dims);
    }
}
