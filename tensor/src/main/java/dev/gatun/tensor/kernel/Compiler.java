package dev.gatun.tensor.kernel;

import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.AdaptivePoolOp;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.BatchNormOp;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.ByteConvOp;
import dev.gatun.tensor.op.ByteMapOp;
import dev.gatun.tensor.op.ByteMeanOp;
import dev.gatun.tensor.op.BytePairOp;
import dev.gatun.tensor.op.ByteProductOp;
import dev.gatun.tensor.op.ByteScaleOp;
import dev.gatun.tensor.op.ConcatOp;
import dev.gatun.tensor.op.ConvOp;
import dev.gatun.tensor.op.ConvPoolOp;
import dev.gatun.tensor.op.ConvTransposeOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.EmbeddingOp;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.FunctionOp;
import dev.gatun.tensor.op.GatedOp;
import dev.gatun.tensor.op.Int8ConvOp;
import dev.gatun.tensor.op.Int8LinearOp;
import dev.gatun.tensor.op.KvStoreOp;
import dev.gatun.tensor.op.LayerNormOp;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.op.LrnOp;
import dev.gatun.tensor.op.MatMulOp;
import dev.gatun.tensor.op.NormalizeOp;
import dev.gatun.tensor.op.Op;
import dev.gatun.tensor.op.PagedAttentionOp;
import dev.gatun.tensor.op.PatchTokensOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.RecurrentOp;
import dev.gatun.tensor.op.ReorderOp;
import dev.gatun.tensor.op.ResampleOp;
import dev.gatun.tensor.op.ReshapeOp;
import dev.gatun.tensor.op.RotaryOp;
import dev.gatun.tensor.op.ScaledReorderOp;
import dev.gatun.tensor.op.SequencePoolOp;
import dev.gatun.tensor.op.SoftmaxOp;
import dev.gatun.tensor.op.StridedOp;
import java.util.List;

/** Chooses the kernel of each operation: the only way into this package. */
public final class Compiler {
    private Compiler() {
    }

    /**
     * Compiles an operation for operands of these types, shapes and layouts.
     *
     * @throws ShapeException           if they do not fit
     * @throws IllegalArgumentException if there are too few or too many
     */
    public static CompiledOp compile(Op op, CompileContext context, List<TensorDesc> inputs) {
        TensorDesc dst = op.results(inputs).getFirst();
        return switch (op) {
            case LinearOp linear -> LinearKernels.linear(linear, context, inputs, dst);
            case ByteProductOp product -> new ByteProduct(product, inputs.getFirst(), dst);
            case ByteConvOp conv -> ByteOps.conv(conv, context, inputs, dst);
            case BytePairOp pair -> ByteOps.pair(pair, context, inputs, dst);
            case ByteMeanOp mean -> ByteOps.mean(mean, context, inputs, dst);
            case ByteScaleOp scale -> ByteOps.scale(scale, context, inputs, dst);
            case ByteMapOp map -> ByteOps.map(map, context, inputs, dst);
            case MatMulOp matMul -> LinearKernels.matMul(matMul, context, inputs, dst);
            case Int8LinearOp linear -> Int8Kernels.linear(linear, context, inputs, dst);
            case ConvOp conv -> ConvKernels.conv(conv, context, inputs, dst.shape());
            case ConvPoolOp conv -> ConvKernels.convPool(conv, context, inputs, dst.shape());
            case ConvTransposeOp conv -> ConvKernels.transposed(conv, context, inputs, dst.shape());
            case Int8ConvOp conv -> Int8Kernels.conv(conv, context, inputs, dst.shape());
            case PoolOp pool -> PoolKernels.pool(pool, context, inputs, dst.shape());
            case AdaptivePoolOp pool -> PoolKernels.adaptive(pool, context, inputs, dst.shape());
            case ResampleOp resample -> PoolKernels.resample(resample, context, inputs, dst.shape());
            case LrnOp lrn -> NormKernels.lrn(lrn, context, inputs);
            case BatchNormOp norm -> NormKernels.batchNorm(norm, context, inputs);
            case LayerNormOp norm -> NormKernels.layerNorm(norm, inputs);
            case NormalizeOp normalize -> SequenceKernels.normalize(dst);
            case SoftmaxOp softmax -> NormKernels.softmax(softmax, context, inputs);
            case EltwiseOp eltwise -> ElementKernels.eltwise(eltwise, context, inputs);
            case FunctionOp function -> ElementKernels.function(function, context, inputs);
            case GatedOp gated -> ElementKernels.gated(gated, inputs, dst);
            case BinaryOp binary -> ElementKernels.binary(binary, context, inputs);
            case ReorderOp reorder -> LayoutKernels.reorder(reorder, context, inputs);
            case ScaledReorderOp reorder -> LayoutKernels.scaled(reorder, context, inputs);
            case FlattenOp flatten -> LayoutKernels.flatten(context, inputs, dst);
            case ReshapeOp reshape -> LayoutKernels.flatten(context, inputs, dst);
            case StridedOp strided -> LayoutKernels.strided(strided, context, dst);
            case PatchTokensOp tokens -> LayoutKernels.patchTokens(tokens, context, inputs, dst);
            case ConcatOp concat -> LayoutKernels.concat(concat, context, inputs, dst.shape());
            case EmbeddingOp embedding -> SequenceKernels.embedding(embedding, inputs, dst);
            case RotaryOp rotary -> SequenceKernels.rotary(rotary, inputs, dst);
            case SequencePoolOp pool -> SequenceKernels.pool(pool, inputs, dst);
            case RecurrentOp recurrent -> RecurrentKernel.of(recurrent, inputs, op.results(inputs));
            case AttentionOp attention -> AttentionKernels.attention(attention, context, inputs, dst);
            case PagedAttentionOp attention -> AttentionKernels.paged(attention, context, inputs, dst);
            case KvStoreOp store -> AttentionKernels.store(store, inputs, dst);
        };
    }
}
