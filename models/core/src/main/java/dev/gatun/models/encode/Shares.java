package dev.gatun.models.encode;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToLongFunction;

/** How a list of texts is divided among cores. */
public final class Shares {
    /** Texts of a share: enough to fill chunks, few enough to keep every core busy to the end. */
    private static final int MOST_TEXTS = 32;
    /** A request of fewer characters is one share, computed on every core at once. */
    private static final long SMALL_REQUEST_CHARACTERS = 400;

    private Shares() {
    }

    /**
     * From and to of each share.
     *
     * @param count      texts
     * @param cores      that share them
     * @param characters of each text
     * @throws IllegalArgumentException if there is no core, or less than no text
     */
    public static List<int[]> of(int count, int cores, IntToLongFunction characters) {
        if (count < 0 || cores < 1) {
            throw new IllegalArgumentException(count + " texts for " + cores + " cores: expected 0 or more, and 1 or more");
        }
        if (isSmall(count, characters)) {
            return count == 0 ? List.of() : List.of(new int[] {0, count});
        }
        int size = Math.clamp(count / (2L * cores), 1, MOST_TEXTS);
        List<int[]> shares = new ArrayList<>();
        for (int from = 0, to; from < count; from = to) {
            to = count - from > size ? from + size : count;
            shares.add(new int[] {from, to});
        }
        return shares;
    }

    private static boolean isSmall(int count, IntToLongFunction characters) {
        long sum = 0;
        for (int i = 0; i < count && sum <= SMALL_REQUEST_CHARACTERS; i++) {
            sum += characters.applyAsLong(i);
        }
        return sum <= SMALL_REQUEST_CHARACTERS;
    }
}
