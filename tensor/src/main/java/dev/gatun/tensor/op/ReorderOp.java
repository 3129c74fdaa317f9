package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.util.List;

/**
 * dst = src in another plain layout or data type; shape unchanged. Conversion to an integer type rounds
 * to nearest even and saturates.
 *
 * @param type   of dst
 * @param format of dst, a plain one
 */
public record ReorderOp(DataType type, MemoryFormat format) implements Op {

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        TensorDesc dst = TensorDesc.of(type, src.shape(), format);
        PrimitiveDesc desc = PrimitiveDesc.reorder(context.arena(), src.memoryDesc(context.arena()),
                dst.memoryDesc(context.arena()), Attributes.create(context.arena()));
        return OneDnnOp.of(context, desc).input(0, Args.SRC, src).build(dst);
    }
}
