package dev.gatun.tensor.graph;

import dev.gatun.tensor.DataType;

/**
 * What a byte of an activation is worth.
 *
 * @param scale  above 0
 * @param signed whether bytes are S8, otherwise U8
 */
public record Range(float scale, boolean signed) {
    /** Checks the scale. */
    public Range {
        if (!(scale > 0) || Float.isInfinite(scale)) {
            throw new IllegalArgumentException("scale " + scale + " must be above 0 and finite");
        }
    }

    /** S8 or U8. */
    public DataType type() {
        return signed ? DataType.S8 : DataType.U8;
    }
}
