package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * dst = table[src], src U8 or S8.
 *
 * @param table of dst's bytes, by src's bytes taken as unsigned
 * @param type  of dst, U8 or S8
 */
public record ByteMapOp(List<Byte> table, DataType type) implements Op {

    /** Checks the size. */
    public ByteMapOp {
        table = List.copyOf(table);
        if (table.size() != 256 || !ByteResult.isByte(type)) {
            throw new IllegalArgumentException("ByteMap: " + table.size() + " elements of " + type + ", expected 256 bytes");
        }
    }

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("ByteMap", operands);
        if (!ByteResult.isByte(src.type())) {
            throw new ShapeException("ByteMap", "src " + src + " must be U8 or S8", src.shape());
        }
        return List.of(TensorDesc.of(type, src.shape().dims()));
    }
}
