package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;
import java.util.Objects;

/**
 * dst[.., M, N] = activation(scale * src[.., M, K] x other) of two activations, where other is [.., K, N],
 * or [.., N, K] if transposed; leading dimensions are equal. For constant weights see {@link LinearOp}.
 *
 * @param transposeOther whether the second operand is stored [.., N, K]
 * @param scale          factor of the product
 * @param activation     applied last
 */
public record MatMulOp(boolean transposeOther, float scale, Activation activation) implements Op {

    /** Refuses null. */
    public MatMulOp {
        Objects.requireNonNull(activation, "activation");
    }

    private Shape resultShape(Shape a, Shape b) {
        boolean fits = a.rank() == b.rank() && a.rank() >= 2;
        for (int i = 0; fits && i < a.rank() - 2; i++) {
            fits = a.dim(i) == b.dim(i);
        }
        if (!fits) {
            throw new ShapeException("MatMul", "src " + a + ", other " + b + ": leading dimensions differ", a, b);
        }
        long k = b.dim(transposeOther ? -1 : -2);
        if (a.dim(-1) != k) {
            throw new ShapeException("MatMul", "src " + a + ", other " + b + ": K " + a.dim(-1) + " != " + k, a, b);
        }
        long[] dims = a.dims();
        dims[dims.length - 1] = b.dim(transposeOther ? -2 : -1);
        return Shape.of(dims);
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Operands.count("MatMul", operands, 2);
        for (TensorDesc operand : operands) {
            if (operand.type() != DataType.F32 || !operand.isRowMajor()) {
                throw new ShapeException("MatMul", "operand " + operand + " must be row-major F32", operand.shape());
            }
        }
        return List.of(TensorDesc.of(DataType.F32, resultShape(operands.get(0).shape(), operands.get(1).shape()).dims()));
    }
}
