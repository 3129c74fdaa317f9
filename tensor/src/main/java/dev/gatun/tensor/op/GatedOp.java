package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;
import java.util.Objects;

/**
 * dst[rows, n] = activation(gate) * up, where src F32 [rows, 2 n] has one in its first n columns and the other behind (Shazeer 2020): what
 * a gated feed-forward does with the joined product of both.
 *
 * @param activation of the gate
 * @param gateLast   whether the gate is in the last columns
 */
public record GatedOp(Activation activation, boolean gateLast) implements Op {

    /** Refuses null. */
    public GatedOp {
        Objects.requireNonNull(activation, "activation");
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Gated", operands);
        if (src.type() != DataType.F32 || src.shape().rank() != 2 || !src.isRowMajor() || src.shape().dim(1) % 2 != 0) {
            throw new ShapeException("Gated", "src " + src + " must be row-major F32 [rows, an even number]", src.shape());
        }
        return List.of(TensorDesc.of(DataType.F32, src.shape().dim(0), src.shape().dim(1) / 2));
    }
}
