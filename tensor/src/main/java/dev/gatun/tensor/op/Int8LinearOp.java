package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.weights.Int8Weights;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * dst F32 [M, N] = activation(src x weights + bias), src U8 or S8 [M, K] row-major, each byte worth {@code srcScale}; sums are exact
 * where {@link Int8Weights#sumsAreExact}.
 *
 * @param weights    the model's, [N, K]
 * @param activation applied last
 * @param srcScale   what one unit of src is worth
 */
public record Int8LinearOp(Int8Weights weights, Activation activation, float srcScale) implements Op {

    /** Checks the scale. */
    public Int8LinearOp {
        Objects.requireNonNull(weights, "weights");
        Objects.requireNonNull(activation, "activation");
        if (!Int8ConvOp.isScale(srcScale)) {
            throw new IllegalArgumentException("Int8Linear: scale " + srcScale + " must be above 0 and finite");
        }
    }

    @Override
    public List<MemorySegment.Scope> owners() {
        return List.of(weights.owner());
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Int8Linear", operands);
        if (src.type() != DataType.U8 && src.type() != DataType.S8 || src.shape().rank() != 2 || !src.isRowMajor()
                || weights.shape().rank() != 2 || src.shape().dim(1) != weights.shape().dim(1)) {
            throw new ShapeException("Int8Linear", "src " + src + ", weights " + weights.shape() + ": src must be row-major U8 or S8 [M, "
                    + weights.shape().dim(1) + "]", src.shape(), weights.shape());
        }
        return List.of(TensorDesc.of(DataType.F32, src.shape().dim(0), weights.shape().dim(0)));
    }
}
