package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * dst = src in another plain layout or data type; shape unchanged. Conversion to an integer type rounds
 * to nearest even and saturates.
 *
 * @param type   of dst
 * @param format of dst, a plain one
 */
public record ReorderOp(DataType type, MemoryFormat format) implements Op {

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Reorder", operands);
        return List.of(TensorDesc.of(type, src.shape().dims()));
    }
}
