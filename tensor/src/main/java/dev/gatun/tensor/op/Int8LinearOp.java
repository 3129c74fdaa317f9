package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.bindings.onednn.Tags;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.util.List;

/**
 * dst F32 [M, N] = activation(src x weights + bias), src U8 or S8 [M, K] row-major, each byte worth {@code srcScale}; sums are exact
 * where {@link Int8Weights#sumsAreExact}.
 *
 * @param weights    the model's, [N, K]
 * @param activation applied last
 * @param srcScale   what one unit of src is worth
 */
public record Int8LinearOp(Int8Weights weights, Activation activation, float srcScale) implements Op {

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        long out = weights.shape().dim(0);
        if (src.type() != DataType.U8 && src.type() != DataType.S8 || src.shape().rank() != 2 || !src.isRowMajor()
                || weights.shape().rank() != 2 || src.shape().dim(1) != weights.shape().dim(1)) {
            throw new ShapeException("Int8Linear", "src " + src + ", weights " + weights.shape() + ": src must be row-major U8 or S8 [M, "
                    + weights.shape().dim(1) + "]", src.shape(), weights.shape());
        }
        TensorDesc dst = TensorDesc.of(DataType.F32, src.shape().dim(0), out);
        Attributes attributes = Attributes.create(context.arena()).scales(Args.SRC, 0).scales(Args.WEIGHTS, 1 << 1);
        activation.appendTo(attributes);
        Tensor bias = weights.bias() == null ? null : weights.bias().reshape(1, out);
        PrimitiveDesc desc = PrimitiveDesc.matmul(context.arena(), src.memoryDesc(context.arena()),
                MemoryDesc.ofTag(context.arena(), weights.kernelDims(), DataType.S8.oneDnn(), Tags.ANY),
                bias == null ? null : bias.desc().memoryDesc(context.arena()), dst.memoryDesc(context.arena()), attributes);
        ConvWeights.Packed packed = weights.in(desc.weights(context.arena(), weights.kernelDims()));
        OneDnnOp.Builder builder = OneDnnOp.of(context, desc).input(0, Args.SRC, src)
                .constant(Args.WEIGHTS, packed.desc(), packed.data())
                .constant(Args.scalesOf(Args.SRC), Tensor.ofFloats(context.arena(), new float[] {srcScale}, 1))
                .constant(Args.scalesOf(Args.WEIGHTS), weights.scales());
        return (bias == null ? builder : builder.constant(Args.BIAS, bias)).build(dst);
    }
}
