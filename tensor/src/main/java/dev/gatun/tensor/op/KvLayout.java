package dev.gatun.tensor.op;

import dev.gatun.bindings.kernels.PagedAttention;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How a cache of keys and values lies in memory: blocks of {@link #BLOCK_TOKENS} tokens, each with every layer's keys and
 * values of those tokens; a sequence is a table of addresses of blocks, which sequences may share.
 *
 * @param layers     layers of the decoder
 * @param numKvHeads key and value heads of a layer
 * @param headDim    elements of a head
 * @param type       of elements: F32; or F16, to which they are rounded, finite ones beyond 65504 to that
 */
public record KvLayout(int layers, int numKvHeads, int headDim, DataType type) {
    /** Tokens of a block. */
    public static final int BLOCK_TOKENS = PagedAttention.BLOCK_TOKENS;

    private static final long MAX_ELEMENTS = Long.MAX_VALUE / (2 * BLOCK_TOKENS * Float.BYTES);

    /** Of F32. */
    public KvLayout(int layers, int numKvHeads, int headDim) {
        this(layers, numKvHeads, headDim, DataType.F32);
    }

    /** Checks the numbers. */
    public KvLayout {
        if (type != DataType.F32 && type != DataType.F16) {
            throw new IllegalArgumentException("KvLayout: type " + type + " must be F32 or F16");
        }
        if (layers < 1 || numKvHeads < 1 || headDim < 1 || (long) numKvHeads * headDim > MAX_ELEMENTS / layers) {
            throw new IllegalArgumentException("KvLayout: layers " + layers + ", numKvHeads " + numKvHeads + ", headDim "
                    + headDim + " must be positive, and their product at most " + MAX_ELEMENTS);
        }
    }

    /** Bytes of a block. */
    public long blockByteSize() {
        return layers * partElements() * type.byteSize();
    }

    /** Blocks of so many tokens. */
    public static int blocks(int tokens) {
        return Math.ceilDiv(tokens, BLOCK_TOKENS);
    }

    private long partElements() {
        return 2L * numKvHeads * headDim * BLOCK_TOKENS;
    }

    /** An element of a block. */
    public float get(MemorySegment block, long element) {
        return type == DataType.F32 ? block.getAtIndex(ValueLayout.JAVA_FLOAT, element)
                : Float.float16ToFloat(block.getAtIndex(ValueLayout.JAVA_SHORT, element));
    }

    /** Where a layer's keys and values are in a block. */
    public PagedAttention.Part part(int layer) {
        if (layer < 0 || layer >= layers) {
            throw new IllegalArgumentException("KvLayout: layer " + layer + " of " + layers);
        }
        return new PagedAttention.Part(layer * partElements(), numKvHeads, headDim,
                (type == DataType.F16 ? Precision.F16 : Precision.F32).kernelCode());
    }
}
