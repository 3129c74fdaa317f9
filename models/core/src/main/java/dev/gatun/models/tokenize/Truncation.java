package dev.gatun.models.tokenize;

/** Which of a pair's texts loses tokens when there are too many. A single text is always the one. */
public enum Truncation {
    /** The longer one until both are of one length, then both. */
    LONGEST_FIRST,
    /** The first. */
    ONLY_FIRST,
    /** The second. */
    ONLY_SECOND;

    /**
     * How many tokens each keeps, as the tokenizers library counts.
     *
     * @param room for both together
     * @return two numbers
     * @throws IllegalArgumentException if the text that may be cut is too short for it
     */
    int[] kept(int first, int second, int room) {
        int over = first + second - room;
        if (over <= 0) {
            return new int[] {first, second};
        }
        if (room == 0) {
            return new int[2];
        }
        return switch (this) {
            case LONGEST_FIRST -> longest(first, second, room);
            case ONLY_FIRST -> new int[] {left("first", first, second, over, room), second};
            case ONLY_SECOND -> new int[] {first, left("second", second, first, over, room)};
        };
    }

    private static int[] longest(int first, int second, int room) {
        int shorter = Math.min(first, second);
        int longer = Math.max(shorter, room - shorter);
        if (shorter + longer > room) {
            shorter = room / 2;
            longer = shorter + room % 2;
        }
        return first > second ? new int[] {longer, shorter} : new int[] {shorter, longer};
    }

    private static int left(String which, int cut, int other, int over, int room) {
        if (over >= cut) {
            throw new IllegalArgumentException("only the " + which + " text may be cut, but the other has " + other
                    + " tokens, and there is room for "
                    + room + " of both together");
        }
        return cut - over;
    }
}
