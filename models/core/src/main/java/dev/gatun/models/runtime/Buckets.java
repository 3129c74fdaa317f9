package dev.gatun.models.runtime;

import java.util.ArrayList;
import java.util.List;

/**
 * The row counts that plans are compiled for, so that whatever lengths arrive, there are a few dozen of them. Tokens: steps of 4 up to 64,
 * then an eighth of the power of two below, so that at most a ninth of the rows, or 3, is computed for nothing. Sequences that are decoded
 * together: {@link #rows}.
 */
public final class Buckets {
    private static final int STEP = 4;

    private final int[] sizes;

    /** @param largest tokens of the largest plan */
    public Buckets(int largest) {
        List<Integer> list = new ArrayList<>();
        long size = STEP;
        while (size < largest) {
            list.add((int) size);
            size += Math.max(STEP, Long.highestOneBit(size) / 8);
        }
        list.add(Math.max(largest, STEP));
        this.sizes = list.stream().mapToInt(Integer::intValue).toArray();
    }

    /** How many there are. */
    public int count() {
        return sizes.length;
    }

    /** Tokens of a bucket. */
    public int size(int bucket) {
        return sizes[bucket];
    }

    /** Index of the smallest bucket that holds so many tokens. */
    public int indexFor(int tokens) {
        for (int i = 0; i < sizes.length; i++) {
            if (sizes[i] >= tokens) {
                return i;
            }
        }
        throw new IllegalArgumentException(tokens + " tokens are more than the largest plan's " + sizes[sizes.length - 1]);
    }

    /** 1, 2, 3, 4, 6, 8, 12, 16, 24, ...: sequences that are decoded together, at most a third of them computed for nothing. */
    public static int rows(int rows) {
        int power = Integer.highestOneBit(Math.max(1, rows));
        if (power == rows) {
            return rows;
        }
        int half = power + power / 2;
        return power > 1 && rows <= half ? half : 2 * power;
    }
}
