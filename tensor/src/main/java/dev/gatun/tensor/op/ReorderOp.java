package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.TensorDesc;
import java.util.List;
import java.util.Objects;

/**
 * dst = src in another plain layout or data type; shape unchanged. Conversion to an integer type rounds
 * to nearest even and saturates.
 *
 * @param type   of dst
 * @param format of dst, a plain one
 */
public record ReorderOp(DataType type, MemoryFormat format) implements Op {

    /** Refuses layouts that are not plain. */
    public ReorderOp {
        Objects.requireNonNull(type, "type");
        if (format != MemoryFormat.ROW_MAJOR && format != MemoryFormat.CHANNELS_LAST) {
            throw new IllegalArgumentException("Reorder: the result's format must be plain, not " + format);
        }
    }

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Reorder", operands);
        TensorDesc.of(type, src.shape(), format);
        return List.of(TensorDesc.of(type, src.shape().dims()));
    }
}
