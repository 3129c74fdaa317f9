package dev.gatun.models.generate.sample;

/** Changes what sampling draws from. Whatever order they are given in, they are applied in the order in which they are permitted here. */
public sealed interface Warper permits Temperature, TopH, TopK, TopP, MinP, TypicalP, EpsilonCutoff, EtaCutoff {
    /** Changes scores, or cuts candidates. */
    void warp(Candidates candidates);

    /** How many of the best candidates decide, of {@code vocabSize}; the others are cut whatever they are. */
    default int ranks(int vocabSize) {
        return vocabSize;
    }

    /** Refuses a number outside a range. */
    static void require(boolean fits, String option, String expected, double found) {
        if (!fits) {
            throw new IllegalArgumentException(option + " must be " + expected + ", not " + found);
        }
    }
}
