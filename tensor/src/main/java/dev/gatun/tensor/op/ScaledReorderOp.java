package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.TensorDesc;
import java.util.List;
import java.util.Objects;

/**
 * Into an integer type and back: dst = src * srcScale / dstScale, rounded to nearest even and saturated if dst is an integer type.
 *
 * @param type     of dst
 * @param format   of dst, a plain one
 * @param srcScale what one unit of src is worth; 1 for F32
 * @param dstScale what one unit of dst is worth; 1 for F32
 */
public record ScaledReorderOp(DataType type, MemoryFormat format, float srcScale, float dstScale) implements Op {

    /** Checks the scales. */
    public ScaledReorderOp {
        Objects.requireNonNull(type, "type");
        if (format != MemoryFormat.ROW_MAJOR && format != MemoryFormat.CHANNELS_LAST) {
            throw new IllegalArgumentException("ScaledReorder: the result's format must be plain, not " + format);
        }
        if (!Int8ConvOp.isScale(srcScale) || !Int8ConvOp.isScale(dstScale)) {
            throw new IllegalArgumentException("ScaledReorder: scales " + srcScale + " and " + dstScale + " must be above 0 and finite");
        }
    }

    /** F32 to an integer type. */
    public static ScaledReorderOp quantize(DataType type, MemoryFormat format, float scale) {
        return new ScaledReorderOp(type, format, 1f, scale);
    }

    /** An integer type to F32. */
    public static ScaledReorderOp dequantize(MemoryFormat format, float scale) {
        return new ScaledReorderOp(DataType.F32, format, scale, 1f);
    }

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("ScaledReorder", operands);
        TensorDesc.of(type, src.shape(), format);
        return List.of(TensorDesc.of(type, src.shape().dims()));
    }
}
