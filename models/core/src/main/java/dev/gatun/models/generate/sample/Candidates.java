package dev.gatun.models.generate.sample;

/** Tokens that may be drawn, best first, by rank: their scores, and how many are left. Every cut leaves a run of ranks. One thread. */
public final class Candidates {
    private final double[] scores;
    private final double[] probabilities;
    private int from;
    private int to;
    private int keep;

    /** Room for so many, 1 or more. */
    public Candidates(int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("room for " + capacity + " candidates, expected 1 or more");
        }
        scores = new double[capacity];
        probabilities = new double[capacity];
    }

    /**
     * Forgets everything.
     *
     * @param minKeep how many stay at least, whatever is cut
     */
    public void clear(int minKeep) {
        from = 0;
        to = 0;
        keep = minKeep;
    }

    /** Adds the next best. */
    public void add(double score) {
        scores[to++] = score;
    }

    /** The first rank that is left. */
    public int from() {
        return from;
    }

    /** The rank behind the last that is left. */
    public int to() {
        return to;
    }

    /** How many stay at least. */
    public int minKeep() {
        return keep;
    }

    /** The score of a rank. */
    public double score(int rank) {
        return scores[rank];
    }

    /** Divides all scores. */
    public void divide(double by) {
        for (int i = from; i < to; i++) {
            scores[i] /= by;
        }
    }

    /** Makes scores log-probabilities. */
    public void normalize() {
        double total = softmax();
        double logTotal = scores[from] + Math.log(total);
        for (int i = from; i < to; i++) {
            scores[i] -= logTotal;
        }
    }

    /** Computes {@link #probability} of what is left; returns sum(exp(score - best)). */
    public double softmax() {
        double best = scores[from];
        double total = 0;
        for (int i = from; i < to; i++) {
            probabilities[i] = Math.exp(scores[i] - best);
            total += probabilities[i];
        }
        for (int i = from; i < to; i++) {
            probabilities[i] /= total;
        }
        return total;
    }

    /** The probability of a rank, when {@link #softmax} was last called. */
    public double probability(int rank) {
        return probabilities[rank];
    }

    /** -sum(p log p), of {@link #probability}. */
    public double entropy() {
        double sum = 0;
        for (int i = from; i < to; i++) {
            sum -= probabilities[i] > 0 ? probabilities[i] * Math.log(probabilities[i]) : 0;
        }
        return sum;
    }

    /** Cuts all but the first so many of what is left, or {@link #minKeep}. */
    public void keepFirst(int count) {
        to = Math.min(to, from + Math.max(count, keep));
    }

    /** Cuts all but a run of the ranks that are left. */
    public void keep(int first, int end) {
        if (first < from || first > end || end > to) {
            throw new IndexOutOfBoundsException("ranks " + first + " to " + end + " of " + from + " to " + to);
        }
        from = first;
        to = end;
    }

    /** Cuts those whose probability is less, down to {@link #minKeep}. */
    public void keepAtLeast(double probability) {
        int count = 0;
        while (from + count < to && probabilities[from + count] >= probability) {
            count++;
        }
        keepFirst(count);
    }
}
