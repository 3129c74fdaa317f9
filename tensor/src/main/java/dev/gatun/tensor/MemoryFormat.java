package dev.gatun.tensor;

import dev.gatun.bindings.onednn.Tags;

/** Order of the dimensions in memory. */
public enum MemoryFormat {
    /** The last dimension is contiguous: [tokens, dModel], NCHW pictures, OIHW weights. */
    ROW_MAJOR,
    /** Logical [N, C, H, W] or [N, C, W] with the channels contiguous. */
    CHANNELS_LAST,
    /** The kernel chooses; only as a request, never the layout of data that exists. */
    ANY,
    /** What a kernel chose: only kernels understand it; a reorder brings it back. */
    BLOCKED;

    /** The {@code dnnl_format_tag_t} value for a number of dimensions. */
    public int tag(int rank) {
        return switch (this) {
            case ANY -> Tags.ANY;
            case ROW_MAJOR -> switch (rank) {
                case 1 -> Tags.A;
                case 2 -> Tags.AB;
                case 3 -> Tags.ABC;
                case 4 -> Tags.ABCD;
                default -> throw new IllegalArgumentException("row-major tensors have 1 to 4 dimensions here, not " + rank);
            };
            case CHANNELS_LAST -> switch (rank) {
                case 3 -> Tags.ACB;
                case 4 -> Tags.ACDB;
                default -> throw new IllegalArgumentException("channels-last tensors have 3 or 4 dimensions, not " + rank);
            };
            case BLOCKED -> throw new IllegalArgumentException("a blocked layout has no tag");
        };
    }
}
