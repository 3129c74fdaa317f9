package dev.gatun.models.family.transformer;

/** Row counts that plans are compiled for: few, whatever counts arrive, and at most a third computed for nothing. */
final class Buckets {
    private static final int SMALLEST_TOKENS = 8;

    private Buckets() {
    }

    /** 1, 2, 3, 4, 6, 8, 12, 16, 24, ...: sequences that are decoded together. */
    static int rows(int rows) {
        int power = Integer.highestOneBit(Math.max(1, rows));
        if (power == rows) {
            return rows;
        }
        int half = power + power / 2;
        return power > 1 && rows <= half ? half : 2 * power;
    }

    /** Multiples of an eighth of a power of two, from 8 on: tokens that are encoded together. */
    static int tokens(int tokens) {
        int step = Math.max(SMALLEST_TOKENS, Integer.highestOneBit(Math.max(1, tokens)) / 4);
        return (tokens + step - 1) / step * step;
    }
}
