package dev.gatun.models.generate;

/**
 * Draws from scores that are sorted, best first: temperature, then top-k, then top-p, as Hugging Face orders them. Top-p drops the
 * least likely tokens whose probabilities add up to at most 1 - top_p; one always stays.
 */
final class Sampler {
    private final double temperature;
    private final double topP;
    private final double[] probabilities;

    /** @param capacity the most candidates there can be */
    Sampler(double temperature, double topP, int capacity) {
        this.temperature = temperature;
        this.topP = topP;
        this.probabilities = new double[capacity];
    }

    /** Scores by rank. */
    interface Scores {
        float at(int rank);
    }

    /**
     * Computes the probabilities of the best {@code count}, kept until the next call.
     *
     * @return how many of them remain; the others have probability 0
     */
    int warp(Scores scores, int count) {
        double best = scores.at(0);
        double total = 0;
        for (int i = 0; i < count; i++) {
            probabilities[i] = Math.exp((scores.at(i) - best) / temperature);
            total += probabilities[i];
        }
        int kept = 1;
        double better = probabilities[0];
        while (kept < count && (topP == 1 || better < topP * total) && probabilities[kept] > 0) {
            better += probabilities[kept++];
        }
        for (int i = 0; i < count; i++) {
            probabilities[i] = i < kept ? probabilities[i] / better : 0;
        }
        return kept;
    }

    double probability(int rank) {
        return probabilities[rank];
    }

    /** The rank that a number in [0, 1) falls on, of the first {@code kept}. */
    int pick(double uniform, int kept) {
        double sum = 0;
        for (int i = 0; i < kept - 1; i++) {
            sum += probabilities[i];
            if (uniform < sum) {
                return i;
            }
        }
        return kept - 1;
    }

    /** A state of its own for each sequence: what it draws does not depend on who else is in the batch. */
    static long seed(long seed, int source, int sequence) {
        return mix(mix(seed) + 0x9E3779B97F4A7C15L * (source + 1L)) ^ mix(0xD1B54A32D192ED03L * (sequence + 1L));
    }

    /** The next state (SplitMix64, Steele et al. 2014). */
    static long next(long state) {
        return state + 0x9E3779B97F4A7C15L;
    }

    /** The number in [0, 1) of a state. */
    static double uniform(long state) {
        return (mix(state) >>> 11) * 0x1.0p-53;
    }

    private static long mix(long z) {
        long x = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
        return x ^ (x >>> 31);
    }
}
