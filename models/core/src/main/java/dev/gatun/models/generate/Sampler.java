package dev.gatun.models.generate;

import dev.gatun.models.generate.sample.Candidates;

/** Random numbers, a state of its own for each sequence, and what is drawn by them. */
final class Sampler {
    private Sampler() {
    }

    /** The rank that a number in [0, 1) falls on. */
    static int pick(double uniform, Candidates candidates) {
        double sum = 0;
        for (int i = candidates.from(); i < candidates.to() - 1; i++) {
            sum += candidates.probability(i);
            if (uniform < sum) {
                return i;
            }
        }
        return candidates.to() - 1;
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
