package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Algorithms;
import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.util.List;

/**
 * dst = src / (k + alpha / size * sum of squares over size channels around)^beta: local response normalization across
 * channels (Krizhevsky et al. 2012). src F32 [N, C, H, W] or [N, C, W] in any layout, dst likewise.
 *
 * @param size  channels that are summed
 * @param alpha factor
 * @param beta  exponent
 * @param k     constant
 */
public record LrnOp(long size, float alpha, float beta, float k) implements Op {

    /** Checks the size. */
    public LrnOp {
        if (size < 1) {
            throw new IllegalArgumentException("Lrn: size must be 1 or more, not " + size);
        }
    }

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        if (src.type() != DataType.F32 || src.shape().rank() < 3) {
            throw new ShapeException("Lrn", "src " + src + " must be F32 [N, C, ...]", src.shape());
        }
        MemoryDesc memory = src.memoryDesc(context.arena());
        PrimitiveDesc desc = PrimitiveDesc.lrn(context.arena(), Algorithms.LRN_ACROSS_CHANNELS, memory, memory, size, alpha,
                beta, k, Attributes.create(context.arena()));
        return OneDnnOp.of(context, desc).input(0, Args.SRC, src).build(src);
    }
}
