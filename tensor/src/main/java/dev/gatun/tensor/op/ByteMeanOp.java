package dev.gatun.tensor.op;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.Arrays;
import java.util.List;

/** dst [N, C, 1, 1] = result(factor * the mean of src - zero over pixels), sums exact; src U8 or S8 [N, C, H, W] or [N, C, W]. */
public record ByteMeanOp(float factor, int zero, ByteResult result) implements Op {

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("ByteMean", operands);
        Shape s = src.shape();
        if (!ByteResult.isByte(src.type()) || s.rank() < 3 || s.elementCount() == 0) {
            throw new ShapeException("ByteMean", "src " + src + " must be pictures of U8 or S8, not empty", s);
        }
        long[] dims = s.dims();
        Arrays.fill(dims, 2, dims.length, 1);
        return List.of(TensorDesc.of(result.type(), dims));
    }
}
