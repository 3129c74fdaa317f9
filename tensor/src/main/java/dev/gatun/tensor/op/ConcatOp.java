package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.util.ArrayList;
import java.util.List;

/**
 * dst = the operands one behind the other along an axis; all other dimensions and the types agree. Row-major operands
 * give a row-major result; otherwise the layout is the kernel's choice.
 *
 * @param axis negative counts from the last
 */
public record ConcatOp(int axis) implements Op {

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        Shape shape = joined(inputs);
        int at = axis < 0 ? axis + shape.rank() : axis;
        TensorDesc first = inputs.getFirst();
        List<MemoryDesc> sources = new ArrayList<>();
        inputs.forEach(input -> sources.add(input.memoryDesc(context.arena())));
        boolean plain = inputs.stream().allMatch(TensorDesc::isRowMajor);
        MemoryDesc dst = OneDnnOp.wanted(context, shape, first.type(), plain ? MemoryFormat.ROW_MAJOR : MemoryFormat.ANY);
        PrimitiveDesc desc = PrimitiveDesc.concat(context.arena(), dst, at, sources, Attributes.create(context.arena()));
        OneDnnOp.Builder builder = OneDnnOp.of(context, desc);
        for (int i = 0; i < inputs.size(); i++) {
            builder.input(i, Args.multipleSrc(i), sources.get(i));
        }
        return builder.build(TensorDesc.chosen(first.type(), shape, desc.dst(context.arena(), shape.dims())));
    }

    private Shape joined(List<TensorDesc> inputs) {
        if (inputs.isEmpty()) {
            throw new IllegalArgumentException("Concat: no operands");
        }
        Shape first = inputs.getFirst().shape();
        int at = axis < 0 ? axis + first.rank() : axis;
        if (at < 0 || at >= first.rank()) {
            throw new ShapeException("Concat", "src " + first + " has no axis " + axis, first);
        }
        long[] dims = first.dims();
        for (TensorDesc other : inputs.subList(1, inputs.size())) {
            boolean fits = other.shape().rank() == dims.length && other.type() == inputs.getFirst().type();
            for (int i = 0; fits && i < dims.length; i++) {
                fits = i == at || other.shape().dim(i) == dims[i];
            }
            if (!fits) {
                throw new ShapeException("Concat", "src " + inputs.getFirst() + " and " + other
                        + " differ in more than axis " + axis, first, other.shape());
            }
            dims[at] += other.shape().dim(at);
        }
        return Shape.of(dims);
    }
}
