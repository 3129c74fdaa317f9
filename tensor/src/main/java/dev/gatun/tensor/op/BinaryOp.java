package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;
import java.util.Objects;

/**
 * dst = activation(src0 (operator) src1), element by element; a dimension of 1 in src1 is repeated. Both have
 * the same rank; dst has src0's shape and takes its memory where nothing reads it later.
 *
 * @param operator   what joins the two
 * @param activation applied last
 */
public record BinaryOp(Operator operator, Activation activation) implements Op {

    /** Arithmetic of two operands. */
    public enum Operator { ADD, SUB, MUL, DIV, MAX, MIN }

    /** Refuses null. */
    public BinaryOp {
        Objects.requireNonNull(operator, "operator");
        Objects.requireNonNull(activation, "activation");
    }

    /** Without activation. */
    public BinaryOp(Operator operator) {
        this(operator, Activation.NONE);
    }

    @Override
    public boolean movesData() {
        return true;
    }

    private void check(Shape a, Shape b) {
        boolean fits = a.rank() == b.rank();
        for (int i = 0; fits && i < a.rank(); i++) {
            fits = a.dim(i) == b.dim(i) || b.dim(i) == 1;
        }
        if (!fits) {
            throw new ShapeException("Binary", "src0 " + a + ", src1 " + b
                    + ": src1 must have the same dimensions, or 1 where it is repeated", a, b);
        }
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Operands.count("Binary", operands, 2);
        TensorDesc src0 = operands.get(0);
        TensorDesc src1 = operands.get(1);
        check(src0.shape(), src1.shape());
        if (src0.type() != DataType.F32 || src1.type() != DataType.F32) {
            throw new ShapeException("Binary", "src0 " + src0 + ", src1 " + src1 + ": both must be F32", src0.shape(), src1.shape());
        }
        return List.of(TensorDesc.of(src0.type(), src0.shape().dims()));
    }
}
