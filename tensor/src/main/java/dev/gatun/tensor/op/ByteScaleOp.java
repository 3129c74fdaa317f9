package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * Into bytes, dst = result(src / scale) of F32, and back: dst = result((src - zero) * scale) of U8 or S8.
 *
 * @param scale above 0
 * @param zero  of src's bytes
 */
public record ByteScaleOp(float scale, int zero, ByteResult result) implements Op {

    /** Checks the scale. */
    public ByteScaleOp {
        if (!Int8ConvOp.isScale(scale) || result.type() == DataType.S32) {
            throw new IllegalArgumentException("ByteScale: scale " + scale + " to " + result.type() + " must be above 0 and finite");
        }
    }

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("ByteScale", operands);
        if (src.type() != DataType.F32 && !ByteResult.isByte(src.type())) {
            throw new ShapeException("ByteScale", "src " + src + " must be F32, U8 or S8", src.shape());
        }
        return List.of(TensorDesc.of(result.type(), src.shape().dims()));
    }
}
