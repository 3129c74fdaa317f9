package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * Stores keys and values of sequences in a cache, from each one's first token on. Operands: k and v F32 [rows, width], or both side by
 * side; sequences S32 [2 + maxSequences], how many and then their offsets in rows; tables U8 [8 * maxSequences], a state: for each sequence
 * the address of its table of blocks, which must hold all its tokens. Result: the first operand, unchanged.
 *
 * @param layout of the cache
 * @param layer  whose keys and values these are
 * @param joined whether k and v are one operand
 */
public record KvStoreOp(KvLayout layout, int layer, boolean joined) implements Op {

    /** Checks the layer. */
    public KvStoreOp {
        layout.part(layer);
    }

    @Override
    public int addresses() {
        return joined ? 2 : 3;
    }

    /** The same with k and v side by side. */
    public KvStoreOp withJoined() {
        return new KvStoreOp(layout, layer, true);
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        int first = joined ? 1 : 2;
        Operands.count("KvStore", operands, first + 2);
        long width = (long) layout.numKvHeads() * layout.headDim() * (joined ? 2 : 1);
        for (TensorDesc kv : operands.subList(0, first)) {
            if (kv.type() != DataType.F32 || kv.shape().rank() != 2 || !kv.isRowMajor() || kv.shape().dim(1) != width
                    || !kv.shape().equals(operands.getFirst().shape())) {
                throw new ShapeException("KvStore", "kv " + kv + " must be row-major F32 [rows, " + width + "]", kv.shape());
            }
        }
        TensorDesc sequences = operands.get(first);
        TensorDesc tables = operands.get(first + 1);
        if (!Operands.isList(tables, DataType.U8, Operands.maxSequences("KvStore", sequences) * Long.BYTES)) {
            throw new ShapeException("KvStore", "sequences " + sequences + ", tables " + tables
                    + " must be S32 [2 + n] and U8 [8 * n]", sequences.shape(), tables.shape());
        }
        return List.of(operands.getFirst());
    }
}
