package dev.gatun.tensor.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Refuses indices that would lead a kernel out of its memory. Allocates nothing unless it refuses. */
final class Indices {
    private Indices() {
    }

    /** S32 indices, each from 0 to limit, exclusive. */
    static void require(String name, MemorySegment indices, long count, long limit) {
        for (long i = 0; i < count; i++) {
            int index = indices.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i);
            if (index < 0 || index >= limit) {
                throw new IllegalArgumentException(name + "[" + i + "] is " + index + ", expected 0 to " + (limit - 1));
            }
        }
    }

    /**
     * How many sequences and their offsets, S32 [2 + maxSequences]: the first offset 0, none before the one in front of it, none behind the
     * last row.
     *
     * @return how many
     */
    static int requireSequences(MemorySegment sequences, long rows) {
        int count = sequences.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, 0);
        long room = sequences.byteSize() / Integer.BYTES - 2;
        if (count < 0 || count > room) {
            throw new IllegalArgumentException(count + " sequences, expected 0 to " + room);
        }
        int before = 0;
        for (int i = 0; i <= count; i++) {
            int offset = sequences.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i + 1L);
            if (offset < before || offset > rows || i == 0 && offset != 0) {
                throw new IllegalArgumentException("offset " + offset + " of sequence " + i + " after " + before
                        + ", expected to begin with 0, "
                        + "not to decrease, and to end at row " + rows);
            }
            before = offset;
        }
        return count;
    }

    /** The tokens of the longest of some sequences that were checked. */
    static int longest(MemorySegment sequences, int count) {
        int longest = 0;
        for (int i = 0; i < count; i++) {
            longest = Math.max(longest, sequences.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i + 2L)
                    - sequences.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i + 1L));
        }
        return longest;
    }
}
