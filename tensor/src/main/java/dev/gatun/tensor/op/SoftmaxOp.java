package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Algorithms;
import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.util.List;

/**
 * dst = exp(src - max) / sum(exp(src - max)) along an axis, or its logarithm; over the source's memory
 * where nothing reads it later.
 *
 * @param axis negative counts from the last
 * @param log  log-softmax
 */
public record SoftmaxOp(int axis, boolean log) implements Op {

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        int rank = src.shape().rank();
        int positive = axis < 0 ? axis + rank : axis;
        if (positive < 0 || positive >= rank) {
            throw new ShapeException("Softmax", "src " + src.shape() + " has no axis " + axis, src.shape());
        }
        MemoryDesc desc = src.memoryDesc(context.arena());
        PrimitiveDesc softmax = PrimitiveDesc.softmax(context.arena(),
                log ? Algorithms.LOG_SOFTMAX : Algorithms.SOFTMAX, desc, desc, positive, Attributes.create(context.arena()));
        return OneDnnOp.of(context, softmax).input(0, Args.SRC, src).build(src, CompiledOp.Sharing.mayOverwrite(0));
    }
}
