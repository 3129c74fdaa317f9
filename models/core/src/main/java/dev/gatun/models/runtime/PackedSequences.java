package dev.gatun.models.runtime;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * Fills the inputs of a plan over sequences that lie end to end: ids, positions, token types, and where each sequence begins. Everything is
 * read once, checked, and written to memory that only this session sees, so that a caller who changes ids meanwhile harms nobody. Allocates
 * nothing. One thread.
 *
 * @param vocabSize    ids are 0 to this, exclusive
 * @param typeCount    token types likewise
 * @param maxLength    tokens of the longest sequence
 * @param firstPosition position of a sequence's first token
 * @param padId        a token that does not count as a position and has the one before the first, as RoBERTa's padding; or -1
 */
public record PackedSequences(int vocabSize, int typeCount, int maxLength, int firstPosition, int padId) {

    /** Ids of tokens start to start + tokens of a packed batch, zeros behind them. */
    public void ids(MemorySegment ids, long start, int tokens, MemorySegment dst) {
        copy(ids, start, tokens, dst, vocabSize, "id", "the vocabulary has");
    }

    /** Ids of whole sequences, end to end, zeros behind them. */
    public void ids(List<int[]> sequences, MemorySegment dst) {
        int row = 0;
        for (int i = 0; i < sequences.size(); i++) {
            for (int id : sequences.get(i)) {
                if (id < 0 || id >= vocabSize) {
                    throw new IllegalArgumentException("sequence " + i + " has id " + id + ", the vocabulary has 0 to " + (vocabSize - 1));
                }
                dst.setAtIndex(ValueLayout.JAVA_INT, row++, id);
            }
        }
        zeroFrom(dst, row);
    }

    /** Token types likewise. */
    public void types(MemorySegment types, long start, int tokens, MemorySegment dst) {
        copy(types, start, tokens, dst, typeCount, "type", "the model has types");
    }

    private static void copy(MemorySegment src, long start, int tokens, MemorySegment dst, int limit, String what, String range) {
        for (int i = 0; i < tokens; i++) {
            int value = src.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, start + i);
            if (value < 0 || value >= limit) {
                throw new IllegalArgumentException("token " + (start + i) + " has " + what + " " + value + ", " + range + " 0 to "
                        + (limit - 1));
            }
            dst.setAtIndex(ValueLayout.JAVA_INT, i, value);
        }
        // The rows that fill the bucket are computed too, and what lies there is another plan's: they need valid indices.
        zeroFrom(dst, tokens);
    }

    /** Sequence {@code i} of a chunk has so many tokens; its offsets follow each other, from 0. */
    public static void begin(MemorySegment sequences) {
        sequences.setAtIndex(ValueLayout.JAVA_INT, 0, 0);
        sequences.setAtIndex(ValueLayout.JAVA_INT, 1, 0);
    }

    /** One more sequence, of so many tokens. */
    public static void add(MemorySegment sequences, int length) {
        int count = sequences.getAtIndex(ValueLayout.JAVA_INT, 0);
        int end = sequences.getAtIndex(ValueLayout.JAVA_INT, count + 1L);
        sequences.setAtIndex(ValueLayout.JAVA_INT, 0, count + 1);
        sequences.setAtIndex(ValueLayout.JAVA_INT, count + 2L, end + length);
    }

    /** Positions of the tokens of all sequences, counted from each one's beginning. */
    public void positions(MemorySegment sequences, MemorySegment planIds, MemorySegment dst) {
        int count = sequences.getAtIndex(ValueLayout.JAVA_INT, 0);
        int row = 0;
        for (int i = 0; i < count; i++) {
            int end = sequences.getAtIndex(ValueLayout.JAVA_INT, i + 2L);
            int position = firstPosition;
            for (; row < end; row++) {
                boolean pad = padId >= 0 && planIds.getAtIndex(ValueLayout.JAVA_INT, row) == padId;
                dst.setAtIndex(ValueLayout.JAVA_INT, row, pad ? firstPosition - 1 : position++);
            }
        }
        zeroFrom(dst, row);
    }

    /**
     * The length of a sequence of a packed batch.
     *
     * @throws IllegalArgumentException if its end is before its beginning, or it is too long
     */
    public int length(int sequence, int from, int to) {
        if (to < from || from < 0) {
            throw new IllegalArgumentException("offsets decrease at sequence " + sequence + ": " + from + " to " + to);
        }
        if (to - from > maxLength) {
            throw new IllegalArgumentException("sequence " + sequence + " has " + (to - from) + " tokens, the model's positions end at "
                    + maxLength);
        }
        return to - from;
    }

    /** Element by element: a slice to fill would be an object on the heap whenever the call is not inlined. */
    private static void zeroFrom(MemorySegment values, long first) {
        long count = values.byteSize() / Integer.BYTES;
        for (long i = first; i < count; i++) {
            values.setAtIndex(ValueLayout.JAVA_INT, i, 0);
        }
    }

    /**
     * Refuses memory that kernels cannot read or write.
     *
     * @throws IllegalArgumentException if it is on the heap or too small
     */
    public static void require(String name, MemorySegment segment, long byteSize) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException(name + " is on the heap, expected off-heap memory");
        }
        if (segment.byteSize() < byteSize) {
            throw new IllegalArgumentException(name + " has " + segment.byteSize() + " bytes, expected " + byteSize + " or more");
        }
    }
}
