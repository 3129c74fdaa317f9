package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.util.List;

/**
 * dst = activation(src), element by element, over the source's memory where nothing reads it later.
 *
 * @param activation not NONE
 */
public record EltwiseOp(Activation activation) implements Op {

    /** Checks the activation. */
    public EltwiseOp {
        if (activation == Activation.NONE) {
            throw new IllegalArgumentException("Eltwise: no activation to compute");
        }
    }

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        MemoryDesc desc = src.memoryDesc(context.arena());
        PrimitiveDesc eltwise = PrimitiveDesc.eltwise(context.arena(), activation.oneDnnAlgorithm(), desc, desc,
                activation.alpha(), activation.beta(), Attributes.create(context.arena()));
        return OneDnnOp.of(context, eltwise).input(0, Args.SRC, src).build(src, CompiledOp.Sharing.mayOverwrite(0));
    }
}
