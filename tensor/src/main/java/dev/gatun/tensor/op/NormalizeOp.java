package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/** dst = src / max(|src|, 1e-12) for each row of src F32 [rows, d], |.| its Euclidean length. */
public record NormalizeOp() implements Op {

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Normalize", operands);
        if (src.type() != DataType.F32 || src.shape().rank() != 2 || !src.isRowMajor()
                || src.shape().dim(0) > Integer.MAX_VALUE - 2) {
            throw new ShapeException("Normalize", "src " + src + " must be row-major F32 [rows, d]", src.shape());
        }
        return List.of(src);
    }
}
