package dev.gatun.models.generate;

import dev.gatun.models.generate.sample.Candidates;

/**
 * Continuations drawn from those of all beams together, without putting any back, in the order of their drawing: each score gets a
 * Gumbel number, and the highest win (Kool et al. 2019).
 */
final class DrawnContinuations extends Continuations {
    private final Rules rules;
    private final Candidates candidates;
    private final int minKeep;
    private final double[] keys;

    DrawnContinuations(Rules rules, int most) {
        super(most, 0);
        this.rules = rules;
        this.candidates = new Candidates(Search.ranks(rules));
        this.minKeep = rules.eos.length == 0 ? 2 : rules.eos.length + 1;
        this.keys = new double[most];
    }

    @Override
    void collect(Sequence[] live, int liveCount, Search.Scores scores, int firstRow) {
        count = 0;
        long random = live[0].random;
        for (int i = 0; i < liveCount; i++) {
            if (scores.ranked().value(firstRow + i, 0) == Float.NEGATIVE_INFINITY) {
                continue;
            }
            Draw.warp(candidates, rules.options.warpers(), scores, firstRow + i, minKeep);
            if (rules.options.renormalizeLogits()) {
                candidates.normalize();
            }
            for (int rank = candidates.from(); rank < candidates.to(); rank++) {
                random = Sampler.next(random);
                double sum = live[i].sum + candidates.score(rank);
                draw(sum - Math.log(-Math.log(Math.max(Sampler.uniform(random), Double.MIN_NORMAL))), i,
                        scores.ranked().index(firstRow + i, rank), sum);
            }
        }
        live[0].random = random;
    }

    private void draw(double key, int parent, int token, double sum) {
        if (count == keys.length && key <= keys[count - 1]) {
            return;
        }
        int at = count < keys.length ? count++ : count - 1;
        while (at > 0 && keys[at - 1] < key) {
            keys[at] = keys[at - 1];
            set(at, parents[at - 1], tokens[at - 1], sums[at - 1]);
            at--;
        }
        keys[at] = key;
        set(at, parent, token, sum);
    }
}
