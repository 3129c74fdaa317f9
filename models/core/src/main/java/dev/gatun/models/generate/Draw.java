package dev.gatun.models.generate;

import java.lang.foreign.ValueLayout;

/** Draws the next token of sequences by a row's scores. One thread; drawing makes no objects. */
final class Draw implements Sampler.Scores {
    private final GenerationOptions options;
    private final Sampler sampler;
    private final int vocabSize;
    private Search.Scores scores;
    private int row;

    Draw(GenerationOptions options, Sampler sampler, int vocabSize) {
        this.options = options;
        this.sampler = sampler;
        this.vocabSize = vocabSize;
    }

    @Override
    public float at(int rank) {
        return scores.ranked().value(row, rank);
    }

    /** How many of a row's scores have to be ranked. */
    static int ranks(GenerationOptions options, int vocabSize) {
        int wanted = !options.doSample() ? 1 : options.topK() > 0 ? options.topK() : options.topP() < 1 ? vocabSize : 1;
        return Math.min(wanted, vocabSize);
    }

    int token(Sequence sequence, Search.Scores from, int at) {
        sequence.random = Sampler.next(sequence.random);
        double uniform = Sampler.uniform(sequence.random);
        if (options.topK() == 0 && options.topP() == 1) {
            return fromAll(from, at, uniform);
        }
        scores = from;
        row = at;
        return from.ranked().index(at, sampler.pick(uniform, sampler.warp(this, from.ranks())));
    }

    /** Without cuts nothing needs to be sorted. */
    private int fromAll(Search.Scores from, int at, double uniform) {
        long base = (long) at * vocabSize;
        double best = from.ranked().value(at, 0);
        double total = 0;
        for (int i = 0; i < vocabSize; i++) {
            total += Math.exp((from.logits().getAtIndex(ValueLayout.JAVA_FLOAT, base + i) - best) / options.temperature());
        }
        double target = uniform * total;
        double sum = 0;
        for (int i = 0; i < vocabSize; i++) {
            sum += Math.exp((from.logits().getAtIndex(ValueLayout.JAVA_FLOAT, base + i) - best) / options.temperature());
            if (target < sum) {
                return i;
            }
        }
        return from.ranked().index(at, 0);
    }
}
