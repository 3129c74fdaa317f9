package dev.gatun.tensor.kernel;

import dev.gatun.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Indices that a kernel follows, copied into memory that nobody else sees: each is read once, and refused if it would lead the kernel out
 * of its memory, so that whoever changes the original meanwhile harms nobody. Allocates nothing unless it refuses.
 */
final class Indices {
    private final MemorySegment source;
    private final MemorySegment copy;

    /**
     * Room for a copy.
     *
     * @param indices S32
     */
    Indices(Binding binding, Tensor indices) {
        this.source = indices.segment();
        this.copy = binding.own(source.byteSize());
    }

    /** What kernels read: what was last taken. */
    MemorySegment copy() {
        return copy;
    }

    private int take(long i) {
        int index = source.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i);
        copy.setAtIndex(ValueLayout.JAVA_INT, i, index);
        return index;
    }

    /** Takes all indices, each from 0 to limit, exclusive. */
    void take(String name, long limit) {
        long count = source.byteSize() / Integer.BYTES;
        for (long i = 0; i < count; i++) {
            int index = take(i);
            if (index < 0 || index >= limit) {
                throw new IllegalArgumentException(name + "[" + i + "] is " + index + ", expected 0 to " + (limit - 1));
            }
        }
    }

    /**
     * Takes how many sequences there are and their offsets, S32 [2 + maxSequences]: the first offset 0, none before the one in front of it,
     * none behind the last row.
     *
     * @return how many
     */
    int takeSequences(long rows) {
        int count = take(0);
        long room = source.byteSize() / Integer.BYTES - 2;
        if (count < 0 || count > room) {
            throw new IllegalArgumentException(count + " sequences, expected 0 to " + room);
        }
        int before = 0;
        for (int i = 0; i <= count; i++) {
            int offset = take(i + 1L);
            if (offset < before || offset > rows || i == 0 && offset != 0) {
                throw new IllegalArgumentException("offset " + offset + " of sequence " + i + " after " + before
                        + ", expected to begin with 0, "
                        + "not to decrease, and to end at row " + rows);
            }
            before = offset;
        }
        return count;
    }

    /** Tokens of a sequence that was taken. */
    int length(int sequence) {
        return copy.getAtIndex(ValueLayout.JAVA_INT, sequence + 2L) - copy.getAtIndex(ValueLayout.JAVA_INT, sequence + 1L);
    }

    /** Tokens of the longest of some sequences that were taken. */
    int longest(int count) {
        int longest = 0;
        for (int i = 0; i < count; i++) {
            longest = Math.max(longest, length(i));
        }
        return longest;
    }
}
