package dev.gatun.models.generate;

/** Guesses tokens of sequences under way. One thread. */
sealed interface Guesser extends AutoCloseable permits Guesser.OfLookup, ModelGuesser {

    /**
     * Writes guesses behind a sequence's tokens.
     *
     * @param room most that there is room for
     * @return how many
     */
    int guess(Sequence sequence, int room);

    /** The source's sequence has ended. */
    void end(int source);

    @Override
    void close();

    /** Of the earlier tokens of the target, and of a source of the same vocabulary. */
    record OfLookup(Guess.Lookup how, boolean sources) implements Guesser {
        @Override
        public int guess(Sequence sequence, int room) {
            int most = Math.min(how.tokens(), room);
            for (int n = Math.min(how.ngram(), sequence.length); n > 0; n--) {
                int last = sequence.length - n;
                int found = sources ? find(sequence, n, sequence.target.sourceIds(), sequence.sourceLength()) : -1;
                if (found >= 0) {
                    return copy(sequence, sequence.target.sourceIds(), found, Math.min(most, sequence.sourceLength() - found));
                }
                found = find(sequence, n, sequence.ids, last);
                if (found >= 0) {
                    return copy(sequence, sequence.ids, found, Math.min(most, sequence.length - found));
                }
            }
            return 0;
        }

        /** Where what follows the sequence's last n tokens begins, or -1. */
        private static int find(Sequence sequence, int n, int[] ids, int end) {
            for (int at = 0; at + n < end; at++) {
                int same = 0;
                while (same < n && ids[at + same] == sequence.ids[sequence.length - n + same]) {
                    same++;
                }
                if (same == n) {
                    return at + n;
                }
            }
            return -1;
        }

        private static int copy(Sequence sequence, int[] ids, int from, int count) {
            System.arraycopy(ids, from, sequence.ids, sequence.length, count);
            return count;
        }

        @Override
        public void end(int source) {
        }

        @Override
        public void close() {
        }
    }
}
