package dev.gatun.tensor.op;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * dst = result((a - aZero) * aFactor + (b - bZero) * bFactor), or result((a - aZero) * (b - bZero) * aFactor). a and b U8 or S8; b of a's
 * dimensions, or of pictures [N, C, 1, 1]: the same for all pixels.
 */
public record BytePairOp(boolean product, float aFactor, int aZero, float bFactor, int bZero, ByteResult result) implements Op {

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Operands.count("BytePair", operands, 2);
        Shape a = operands.get(0).shape();
        Shape b = operands.get(1).shape();
        boolean fits = a.equals(b) || a.rank() > 2 && b.rank() == a.rank() && b.dim(0) == a.dim(0) && b.dim(1) == a.dim(1)
                && b.elementCount() == a.dim(0) * a.dim(1);
        if (!fits || !ByteResult.isByte(operands.get(0).type()) || !ByteResult.isByte(operands.get(1).type())) {
            throw new ShapeException("BytePair", "operands " + operands + " must be U8 or S8 of the same dimensions", a, b);
        }
        return List.of(TensorDesc.of(result.type(), a.dims()));
    }
}
