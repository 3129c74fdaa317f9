package dev.gatun.tensor.op;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * dst = the operands one behind the other along an axis; all other dimensions and the types agree. Row-major operands
 * give a row-major result; otherwise the layout is the kernel's choice.
 *
 * @param axis negative counts from the last
 */
public record ConcatOp(int axis) implements Op {
    /** As many arguments as oneDNN has numbers for. */
    private static final int MAX_OPERANDS = 1024;

    @Override
    public boolean movesData() {
        return true;
    }

    private Shape joined(List<TensorDesc> inputs) {
        if (inputs.size() > MAX_OPERANDS) {
            throw new IllegalArgumentException("Concat: " + inputs.size() + " operands, expected 1 to " + MAX_OPERANDS);
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
            dims[at] = Math.addExact(dims[at], other.shape().dim(at));
        }
        return Shape.of(dims);
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        return List.of(TensorDesc.of(Operands.some("Concat", operands).type(), joined(operands).dims()));
    }
}
