package dev.gatun.models.generate;

/** The best continuations of a group of beams, where a token costs more the more beams of other groups have it. */
final class DiverseContinuations extends Continuations {
    private final Diversity diversity;

    DiverseContinuations(int most, Diversity diversity) {
        super(most, 0);
        this.diversity = diversity;
    }

    @Override
    void collect(Sequence[] live, int liveCount, Search.Scores scores, int firstRow) {
        count = 0;
        for (int i = 0; i < liveCount; i++) {
            for (int rank = 0; rank < scores.ranks(); rank++) {
                double sum = live[i].sum + scores.logProbability(firstRow + i, rank);
                if (sum == Double.NEGATIVE_INFINITY || count == sums.length && sum <= sums[count - 1]) {
                    break;
                }
                int token = scores.ranked().index(firstRow + i, rank);
                insert(i, token, sum - diversity.cost(token));
            }
        }
    }
}
