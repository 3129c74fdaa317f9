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
 * Attention of one query row for each sequence over a cache of keys and values in blocks. Operands: F32 [rows, q] or, where the
 * row's own key and value are appended first, F32 [rows, q, k and v side by side]; lengths S32 [rows], tokens of each
 * sequence, the appended one included, 0 for a row that is not in use; tables U8 [8 * rows], for each row the address of its
 * table of blocks. The block that is appended to may belong to one row only. Result: F32 [rows, numHeads * headDim], zeros for length 0.
 *
 * @param layout   of the cache
 * @param layer    whose keys and values are read
 * @param numHeads query heads, a multiple of the layout's
 * @param append   whether the row's key and value are stored first
 * @param maxKeys  the longest sequence
 */
public record PagedAttentionOp(KvLayout layout, int layer, int numHeads, boolean append, int maxKeys) implements Op {

    /** Checks the numbers. */
    public PagedAttentionOp {
        if (numHeads < 1 || numHeads % layout.numKvHeads() != 0 || maxKeys < 1) {
            throw new IllegalArgumentException("PagedAttention: numHeads " + numHeads + ", numKvHeads " + layout.numKvHeads()
                    + ", maxKeys " + maxKeys + ": numKvHeads must divide numHeads, maxKeys be positive");
        }
    }

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        long dModel = (long) numHeads * layout.headDim();
        long dKv = (long) layout.numKvHeads() * layout.headDim();
        long columns = dModel + (append ? 2 * dKv : 0);
        if (src.type() != DataType.F32 || src.shape().rank() != 2 || !src.isRowMajor() || src.shape().dim(1) != columns) {
            throw new ShapeException("PagedAttention", "src " + src + " must be row-major F32 [rows, " + columns + "]", src.shape());
        }
        long rows = src.shape().dim(0);
        if (inputs.get(1).type() != DataType.S32 || inputs.get(1).shape().elementCount() != rows
                || inputs.get(2).type() != DataType.U8 || inputs.get(2).shape().elementCount() != rows * Long.BYTES) {
            throw new ShapeException("PagedAttention", "lengths " + inputs.get(1) + ", tables " + inputs.get(2)
                    + " must be S32 [" + rows + "] and U8 [" + rows * Long.BYTES + "]", inputs.get(1).shape(), inputs.get(2).shape());
        }
        PagedAttention.Part part = layout.part(layer);
        float scale = (float) (1 / Math.sqrt(layout.headDim()));
        return new KernelOp("paged_attention", TensorDesc.of(DataType.F32, rows, dModel),
                PagedAttention.scratchByteSize(maxKeys, numHeads, context.threads()), CompiledOp.Sharing.NONE, binding -> {
                    MemorySegment q = binding.inputs().get(0).segment();
                    PagedAttention.Operands operands = new PagedAttention.Operands(q, columns,
                            append ? q.asSlice(dModel * Float.BYTES) : null,
                            append ? q.asSlice((dModel + dKv) * Float.BYTES) : null, columns, binding.dst().segment(),
                            binding.inputs().get(1).segment(), binding.inputs().get(2).segment());
                    return PagedAttention.attend(binding.arena(), part, numHeads, scale, rows, maxKeys, operands, binding.scratchpad());
                });
    }
}
