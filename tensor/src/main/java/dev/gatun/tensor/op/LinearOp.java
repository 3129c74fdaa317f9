package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Algorithms;
import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.util.List;

/**
 * dst[M, N] = activation(scale * (src[M, K] x W[K, N] + bias[N])) + residual[M, N], in one kernel. All F32,
 * row-major. The residual, if there is one, is the second operand.
 *
 * @param weights    packed for a kernel; the model's
 * @param activation applied before the residual is added
 * @param scale      factor of the product and the bias
 * @param residual   whether a second operand is added
 */
public record LinearOp(LinearWeights weights, Activation activation, float scale, boolean residual) implements Op {

    /** Without scale and residual. */
    public LinearOp(LinearWeights weights, Activation activation) {
        this(weights, activation, 1f, false);
    }

    /** Without activation and scale, with a residual. */
    public static LinearOp withResidual(LinearWeights weights) {
        return new LinearOp(weights, Activation.NONE, 1f, true);
    }

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        TensorDesc dst = check(inputs);
        return switch (weights.kernel()) {
            case ONEDNN -> oneDnn(context, inputs, src, dst);
            case OPENBLAS -> new OpenBlasLinear(this, src.shape().dim(0), dst);
            case GATUN -> new GatunLinear(this, src.shape().dim(0), dst);
        };
    }

    private TensorDesc check(List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        Shape w = Shape.of(weights.inFeatures(), weights.outFeatures());
        if (src.shape().rank() != 2 || !src.isRowMajor() || src.type() != DataType.F32) {
            throw new ShapeException("Linear", "src " + src + " must be row-major F32 [M, K]", src.shape());
        }
        if (src.shape().dim(1) != weights.inFeatures()) {
            throw new ShapeException("Linear", "src " + src.shape() + ", weights " + w + ": K " + src.shape().dim(1)
                    + " != " + weights.inFeatures(), src.shape(), w);
        }
        TensorDesc dst = TensorDesc.of(DataType.F32, src.shape().dim(0), weights.outFeatures());
        if (inputs.size() != (residual ? 2 : 1)) {
            throw new IllegalArgumentException("Linear: " + inputs.size() + " operands, expected " + (residual ? 2 : 1));
        }
        if (residual && (!inputs.get(1).shape().equals(dst.shape()) || !inputs.get(1).isRowMajor())) {
            throw new ShapeException("Linear", "residual " + inputs.get(1) + ", result " + dst + ": shapes differ",
                    inputs.get(1).shape(), dst.shape());
        }
        return dst;
    }

    private CompiledOp oneDnn(CompileContext context, List<TensorDesc> inputs, TensorDesc src, TensorDesc dst) {
        MemoryDesc dstDesc = dst.memoryDesc(context.arena());
        MemoryDesc bias = weights.bias() == null ? null : weights.bias().desc().memoryDesc(context.arena());
        Attributes attributes = Attributes.create(context.arena());
        if (scale != 1f) {
            attributes.appendEltwise(Algorithms.ELTWISE_LINEAR, scale, 0f);
        }
        activation.appendTo(attributes);
        int residualAt = residual ? attributes.appendBinary(Algorithms.BINARY_ADD, dstDesc) : -1;
        PrimitiveDesc desc = PrimitiveDesc.matmul(
                context.arena(), src.memoryDesc(context.arena()), weights.desc(), bias, dstDesc, attributes);
        OneDnnOp.Builder builder = OneDnnOp.of(context, desc)
                .input(0, Args.SRC, src)
                .constant(Args.WEIGHTS, weights.desc(), weights.data());
        if (bias != null) {
            builder.constant(Args.BIAS, weights.bias());
        }
        // Never over the residual's memory: with long K, partial products are kept in dst before the residual is read.
        return (residual ? builder.input(1, Args.binaryPostOp(residualAt), inputs.get(1)) : builder).build(dst);
    }
}
