package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * Attention of query rows over a cache of keys and values in blocks. Operands: q F32 [rows, numHeads * headDim]; where
 * the row's own key and value are appended first, k and v F32 [rows, numKvHeads * headDim] behind it or side by side with it; lengths S32
 * [rows], tokens of each sequence up to the appended one, 0 for a row that is not in use; tables U8 [rows, 8], a state: for each row
 * the address of its table of blocks. All rows are appended before any attends, so that several may be tokens of one sequence; a block
 * that is appended to may belong to one sequence only. Result: F32 [rows, numHeads * headDim], zeros for length 0.
 *
 * @param layout   of the cache
 * @param layer    whose keys and values are read
 * @param numHeads query heads, a multiple of the layout's
 * @param append   whether and how the row's key and value come
 * @param maxKeys  the longest sequence
 * @param scale    factor of the products
 * @param distances what is added to scaled products by the distance from query to key, the query standing at the last key, as
 *                  {@link AttentionOp} has it; or null
 */
public record PagedAttentionOp(KvLayout layout, int layer, int numHeads, Append append, int maxKeys, float scale, Tensor distances)
        implements Op {

    /** How the row's own key and value arrive: not at all, as operands, or side by side with the query. */
    public enum Append { NONE, SEPARATE, JOINED }

    private static final String[] NAMES = {"src", "k", "v"};

    /** Products scaled by 1 / sqrt(headDim), nothing added. */
    public PagedAttentionOp(KvLayout layout, int layer, int numHeads, Append append, int maxKeys) {
        this(layout, layer, numHeads, append, maxKeys, (float) (1 / Math.sqrt(layout.headDim())), null);
    }

    /** Checks the numbers. */
    public PagedAttentionOp {
        Objects.requireNonNull(append, "append");
        layout.part(layer);
        if (numHeads < 1 || numHeads % layout.numKvHeads() != 0 || maxKeys < 1 || (long) maxKeys * numHeads > Integer.MAX_VALUE
                || (long) numHeads * layout.headDim() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("PagedAttention: numHeads " + numHeads + ", numKvHeads " + layout.numKvHeads()
                    + ", maxKeys " + maxKeys + ": numKvHeads must divide numHeads, maxKeys be positive, and numHeads times maxKeys or "
                            + "headDim at most "
                    + Integer.MAX_VALUE);
        }
        if (!Float.isFinite(scale)) {
            throw new IllegalArgumentException("PagedAttention: scale " + scale + " must be finite");
        }
        if (distances != null) {
            AttentionOp.requireDistances(numHeads, distances.desc());
        }
    }

    @Override
    public List<MemorySegment.Scope> owners() {
        return Operands.owners(distances);
    }

    @Override
    public int addresses() {
        return append == Append.SEPARATE ? 4 : 2;
    }

    /** The same with query, key and value side by side. */
    public PagedAttentionOp joined() {
        return new PagedAttentionOp(layout, layer, numHeads, Append.JOINED, maxKeys, scale, distances);
    }

    /** The same with other products' scale. */
    public PagedAttentionOp withScale(float other) {
        return new PagedAttentionOp(layout, layer, numHeads, append, maxKeys, other, distances);
    }

    /** The same with other distances. */
    public PagedAttentionOp withDistances(Tensor other) {
        return new PagedAttentionOp(layout, layer, numHeads, append, maxKeys, scale, other);
    }

    /** Columns of the query. */
    public long queryColumns() {
        return (long) numHeads * layout.headDim();
    }

    /** Columns of a key, and of a value. */
    public long keyColumns() {
        return (long) layout.numKvHeads() * layout.headDim();
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        int first = append == Append.SEPARATE ? 3 : 1;
        Operands.count("PagedAttention", operands, first + 2);
        long rows = operands.getFirst().shape().rank() == 2 ? operands.getFirst().shape().dim(0) : -1;
        for (int i = 0; i < first; i++) {
            long columns = i > 0 ? keyColumns() : queryColumns() + (append == Append.JOINED ? 2 * keyColumns() : 0);
            TensorDesc src = operands.get(i);
            if (src.type() != DataType.F32 || src.shape().rank() != 2 || !src.isRowMajor() || src.shape().dim(1) != columns
                    || src.shape().dim(0) != rows) {
                throw new ShapeException("PagedAttention", NAMES[i] + " " + src + " must be row-major F32 [rows, " + columns + "]",
                        src.shape());
            }
        }
        TensorDesc lengths = operands.get(first);
        TensorDesc tables = operands.get(first + 1);
        if (!Operands.isList(lengths, DataType.S32, rows) || !Operands.isList(tables, DataType.U8, rows * Long.BYTES)) {
            throw new ShapeException("PagedAttention", "lengths " + lengths + ", tables " + tables
                    + " must be S32 [" + rows + "] and U8 [" + rows * Long.BYTES + "]", lengths.shape(), tables.shape());
        }
        return List.of(TensorDesc.of(DataType.F32, rows, queryColumns()));
    }
}
