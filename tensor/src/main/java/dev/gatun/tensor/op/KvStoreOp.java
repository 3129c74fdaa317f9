package dev.gatun.tensor.op;

import dev.gatun.bindings.kernels.PagedAttention;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Stores keys and values of sequences in a cache, from each one's first token on. Operands: F32 [rows, k and v side by side];
 * sequences S32 [2 + maxSequences], how many and then their offsets in rows; tables U8 [8 * maxSequences], for each
 * sequence the address of its table of blocks, which must hold all its tokens. Result: the first operand, unchanged.
 *
 * @param layout of the cache
 * @param layer  whose keys and values these are
 */
public record KvStoreOp(KvLayout layout, int layer) implements Op {

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc kv = inputs.get(0);
        TensorDesc sequences = inputs.get(1);
        TensorDesc tables = inputs.get(2);
        long width = (long) layout.numKvHeads() * layout.headDim();
        if (kv.type() != DataType.F32 || kv.shape().rank() != 2 || !kv.isRowMajor() || kv.shape().dim(1) != 2 * width) {
            throw new ShapeException("KvStore", "kv " + kv + " must be row-major F32 [rows, " + 2 * width + "]", kv.shape());
        }
        if (sequences.type() != DataType.S32 || tables.type() != DataType.U8
                || tables.shape().elementCount() != (sequences.shape().elementCount() - 2) * Long.BYTES) {
            throw new ShapeException("KvStore", "sequences " + sequences + ", tables " + tables
                    + " must be S32 [2 + n] and U8 [8 * n]", sequences.shape(), tables.shape());
        }
        PagedAttention.Part part = layout.part(layer);
        return new KernelOp("kv_store", kv, CompiledOp.Sharing.view(0), binding -> {
            MemorySegment rows = binding.inputs().get(0).segment();
            return PagedAttention.store(binding.arena(), part, rows, rows.asSlice(width * Float.BYTES), 2 * width,
                    binding.inputs().get(1).segment(), binding.inputs().get(2).segment());
        });
    }
}
