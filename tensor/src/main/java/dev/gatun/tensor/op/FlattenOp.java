package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.Binding;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import dev.gatun.tensor.exec.Step;
import java.util.List;

/**
 * dst [N, C * H * W] = src [N, C, H, W] in the order C, H, W, as PyTorch's {@code view} does: the same memory if src is
 * row-major, a reorder otherwise. Result: row-major, ready for a {@link LinearOp}.
 */
public record FlattenOp() implements Op {

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        Shape s = src.shape();
        if (s.rank() < 2 || s.elementCount() == 0) {
            throw new ShapeException("Flatten", "src " + src + " must be [N, C, ...], none empty", s);
        }
        TensorDesc dst = TensorDesc.of(src.type(), s.dim(0), s.elementCount() / s.dim(0));
        if (src.isRowMajor()) {
            return new View(dst);
        }
        MemoryDesc rows = OneDnnOp.wanted(context, s, src.type(), MemoryFormat.ROW_MAJOR);
        PrimitiveDesc reorder = PrimitiveDesc.reorder(
                context.arena(), src.memoryDesc(context.arena()), rows, Attributes.create(context.arena()));
        return OneDnnOp.of(context, reorder).input(0, Args.SRC, src).dst(rows).build(dst);
    }

    private record View(TensorDesc dst) implements CompiledOp {
        @Override
        public Sharing sharing() {
            return Sharing.view(0);
        }

        @Override
        public String implementation() {
            return "view";
        }

        @Override
        public Step bind(Binding binding) {
            return () -> { };
        }
    }
}
