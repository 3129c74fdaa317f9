package dev.gatun.models.generate;

import dev.gatun.models.generate.sample.Candidates;
import dev.gatun.models.generate.sample.Temperature;
import dev.gatun.models.generate.sample.Warper;
import java.util.List;

/** Draws the next token of sequences by a row's scores. One thread; drawing makes no objects. */
final class Draw {
    private final int vocabSize;
    private final List<Warper> warpers;
    private final boolean plain;
    private final double temperature;
    private final Candidates candidates;

    Draw(Rules rules) {
        vocabSize = rules.vocabSize;
        warpers = rules.options.warpers();
        plain = isPlain(warpers);
        temperature = !warpers.isEmpty() && warpers.getFirst() instanceof Temperature(double value) ? value : 1;
        candidates = new Candidates(plain ? 1 : Search.ranks(rules));
    }

    private static boolean isPlain(List<Warper> warpers) {
        return warpers.stream().allMatch(Temperature.class::isInstance);
    }

    /**
     * How many of a row's scores have to be ranked.
     *
     * @param most how many tokens of a row may be drawn at once
     */
    static int ranks(Rules rules, int most) {
        List<Warper> warpers = rules.options.warpers();
        if (isPlain(warpers)) {
            return most == 1 ? 1 : rules.vocabSize;
        }
        Warper first = warpers.getFirst() instanceof Temperature ? warpers.get(1) : warpers.getFirst();
        return Math.max(first.ranks(rules.vocabSize), most == 1 ? 1 : rules.eos.length + 1);
    }

    int token(Sequence sequence, Search.Scores from, int row) {
        sequence.random = Sampler.next(sequence.random);
        double uniform = Sampler.uniform(sequence.random);
        return plain ? fromAll(from, row, uniform)
                : from.ranked().index(row, Sampler.pick(uniform, warp(candidates, warpers, from, row, 1)));
    }

    /** What is left of a row, its probabilities computed. */
    static Candidates warp(Candidates candidates, List<Warper> warpers, Search.Scores from, int row, int minKeep) {
        candidates.clear(minKeep);
        for (int rank = 0; rank < from.ranks() && from.ranked().value(row, rank) > Float.NEGATIVE_INFINITY; rank++) {
            candidates.add(from.logProbability(row, rank));
        }
        for (int i = 0; i < warpers.size(); i++) {
            warpers.get(i).warp(candidates);
        }
        candidates.softmax();
        return candidates;
    }

    /** Without cuts nothing needs to be sorted. */
    private int fromAll(Search.Scores from, int row, double uniform) {
        double best = from.ranked().value(row, 0);
        double total = 0;
        for (int i = 0; i < vocabSize; i++) {
            total += Math.exp((from.logit(row, vocabSize, i) - best) / temperature);
        }
        double target = uniform * total;
        double sum = 0;
        for (int i = 0; i < vocabSize; i++) {
            sum += Math.exp((from.logit(row, vocabSize, i) - best) / temperature);
            if (target < sum) {
                return i;
            }
        }
        return from.ranked().index(row, 0);
    }
}
