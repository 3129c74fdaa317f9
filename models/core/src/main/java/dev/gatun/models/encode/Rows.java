package dev.gatun.models.encode;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What a model computed for one sequence: a row, or a row for each of its tokens. Valid while it is being read.
 *
 * @param values  F32, off-heap
 * @param first   number of the first row there
 * @param count   rows
 * @param columns of each
 */
public record Rows(MemorySegment values, long first, int count, int columns) {

    /** An element. */
    public float get(int row, int column) {
        return values.getAtIndex(ValueLayout.JAVA_FLOAT, (first + row) * columns + column);
    }

    /** A copy of a row. */
    public float[] row(int row) {
        return values.asSlice((first + row) * columns * Float.BYTES, (long) columns * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
    }
}
