package dev.gatun.models.family.bert;

import java.util.ArrayList;
import java.util.List;

/**
 * The token counts that plans are compiled for. Whatever lengths arrive, the set is small: steps of 16 tokens up to
 * 128, then an eighth of the next power of two, so that at most an eighth of the rows is computed for nothing.
 */
final class TokenBuckets {
    private static final int STEP = 16;

    private final int[] sizes;

    /** @param largest tokens of the largest plan */
    TokenBuckets(int largest) {
        List<Integer> list = new ArrayList<>();
        list.add(STEP / 2);
        int size = STEP;
        while (size < largest) {
            list.add(size);
            size += Math.max(STEP, Integer.highestOneBit(size) / 4);
        }
        list.add(Math.max(largest, STEP));
        this.sizes = list.stream().mapToInt(Integer::intValue).toArray();
    }

    int count() {
        return sizes.length;
    }

    int size(int bucket) {
        return sizes[bucket];
    }

    int largest() {
        return sizes[sizes.length - 1];
    }

    /** Index of the smallest bucket that holds so many tokens. */
    int indexFor(int tokens) {
        for (int i = 0; i < sizes.length; i++) {
            if (sizes[i] >= tokens) {
                return i;
            }
        }
        throw new IllegalArgumentException(tokens + " tokens are more than the largest plan's " + largest());
    }
}
