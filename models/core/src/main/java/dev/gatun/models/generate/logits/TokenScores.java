package dev.gatun.models.generate.logits;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/** The scores of one sequence's next token, one for each id. They are the generation's: use this during the call only. One thread. */
public final class TokenScores {
    private final int size;
    private MemorySegment rows;
    private long base;
    private float offset;
    private int[] marks = new int[0];
    private int mark;

    /** Scores of so many ids, 1 or more, without any until {@link #show}. */
    public TokenScores(int size) {
        if (size < 1) {
            throw new IllegalArgumentException("scores of " + size + " ids, expected 1 or more");
        }
        this.size = size;
    }

    /**
     * Shows a row.
     *
     * @param scores F32 [rows, size]
     * @param offset what each stored number is more than the score
     */
    public void show(MemorySegment scores, int row, float offset) {
        Objects.checkFromIndexSize((long) row * size * Float.BYTES, (long) size * Float.BYTES, scores.byteSize());
        rows = scores;
        base = (long) row * size;
        this.offset = offset;
    }

    /** Ids run from 0 to size - 1. */
    public int size() {
        return size;
    }

    private MemorySegment rows() {
        if (rows == null) {
            throw new IllegalStateException("these scores show nothing yet");
        }
        return rows;
    }

    /** The score of an id. */
    public float get(int id) {
        return rows().getAtIndex(ValueLayout.JAVA_FLOAT, base + Objects.checkIndex(id, size)) - offset;
    }

    /** Sets the score of an id. */
    public void set(int id, float score) {
        rows().setAtIndex(ValueLayout.JAVA_FLOAT, base + Objects.checkIndex(id, size), score + offset);
    }

    /** Makes an id impossible. */
    public void forbid(int id) {
        set(id, Float.NEGATIVE_INFINITY);
    }

    /** Makes ids from one on, without the last, impossible. */
    public void forbid(int from, int to) {
        for (int id = from; id < to; id++) {
            forbid(id);
        }
    }

    /** Forgets what was marked. */
    public void clearMarks() {
        rows();
        if (marks.length == 0) {
            marks = new int[size];
        }
        if (++mark == Integer.MAX_VALUE) {
            java.util.Arrays.fill(marks, 0);
            mark = 1;
        }
    }

    /** Marks an id; whether it was not marked since {@link #clearMarks}. */
    public boolean mark(int id) {
        if (marks.length == 0) {
            clearMarks();
        }
        boolean first = marks[Objects.checkIndex(id, size)] != mark;
        marks[id] = mark;
        return first;
    }
}
