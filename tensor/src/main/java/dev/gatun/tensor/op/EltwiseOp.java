package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Algorithms;
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
 * dst = activation(scale * src + shift), element by element, over the source's memory where nothing
 * reads it later.
 *
 * @param activation applied last
 * @param scale      1 for none
 * @param shift      0 for none
 */
public record EltwiseOp(Activation activation, float scale, float shift) implements Op {

    /** Only the activation. */
    public EltwiseOp(Activation activation) {
        this(activation, 1f, 0f);
    }

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        MemoryDesc desc = src.memoryDesc(context.arena());
        Attributes attributes = Attributes.create(context.arena());
        PrimitiveDesc eltwise;
        if (activation == Activation.NONE || scale != 1f || shift != 0f) {
            activation.appendTo(attributes);
            eltwise = PrimitiveDesc.eltwise(
                    context.arena(), Algorithms.ELTWISE_LINEAR, desc, desc, scale, shift, attributes);
        } else {
            eltwise = PrimitiveDesc.eltwise(context.arena(), activation.oneDnnAlgorithm(), desc, desc,
                    activation.alpha(), activation.beta(), attributes);
        }
        return OneDnnOp.of(context, eltwise).input(0, Args.SRC, src).build(src, CompiledOp.Sharing.mayOverwrite(0));
    }
}
