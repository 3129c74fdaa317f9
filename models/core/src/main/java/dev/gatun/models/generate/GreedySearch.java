package dev.gatun.models.generate;

import dev.gatun.models.generate.Generated.Finish;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** The best token at every step, or one drawn; several independent sequences of one source where they are drawn. */
final class GreedySearch extends Search {
    private final Rules rules;
    private final Sampler sampler;
    private final Generated[] results;
    private final RankedRow row = new RankedRow();

    /** The ranked scores of one row; a field, so that drawing makes no objects. */
    private static final class RankedRow implements Sampler.Scores {
        private Scores scores;
        private int index;

        @Override
        public float at(int rank) {
            return scores.ranked().value(index, rank);
        }
    }

    /** @param sampler null to take the best */
    GreedySearch(int source, int sourceLength, BlockTable sourceTable, Rules rules, Sampler sampler) {
        super(source, sourceLength, sourceTable, rules.options().numReturnSequences());
        this.rules = rules;
        this.sampler = sampler;
        this.results = new Generated[rules.options().numReturnSequences()];
        for (int i = 0; i < results.length; i++) {
            Sequence sequence = rules.pool().takeSequence();
            sequence.start(rules.tokens().decoderStart(), rules.maxLength(), i);
            sequence.random = Sampler.seed(rules.options().seed(), source, i);
            live[liveCount++] = sequence;
        }
    }

    @Override
    boolean probabilities() {
        return false;
    }

    @Override
    void advance(Scores scores, int firstRow) {
        int kept = 0;
        for (int i = 0; i < liveCount; i++) {
            Sequence sequence = live[i];
            append(sequence, scores, firstRow + i);
            if (sequence.done) {
                rules.pool().giveBack(sequence);
            } else {
                live[kept++] = sequence;
            }
        }
        liveCount = kept;
    }

    private void append(Sequence sequence, Scores scores, int at) {
        if (scores.ranked().value(at, 0) == Float.NEGATIVE_INFINITY) {
            finish(sequence, Finish.FORBIDDEN);
            return;
        }
        int token = sampler == null ? scores.ranked().index(at, 0) : draw(sequence, scores, at);
        float score = scores.logits().getAtIndex(ValueLayout.JAVA_FLOAT, (long) at * rules.tokens().vocabSize() + token);
        boolean stop = rules.stops(sequence, token);
        sequence.append(token, sequence.sum + score - scores.ranked().logSumExp(at));
        boolean goOn = rules.listener().onToken(source, sequence.index, token);
        if (token == rules.tokens().eos()) {
            finish(sequence, Finish.EOS);
        } else if (stop) {
            finish(sequence, Finish.STOP);
        } else if (!goOn) {
            finish(sequence, Finish.CANCELLED);
        } else if (sequence.length == rules.maxLength()) {
            finish(sequence, Finish.LENGTH);
        }
    }

    private int draw(Sequence sequence, Scores scores, int at) {
        sequence.random = Sampler.next(sequence.random);
        double uniform = Sampler.uniform(sequence.random);
        GenerationOptions options = rules.options();
        if (options.topK() == 0 && options.topP() == 1) {
            return drawFromAll(scores, at, uniform);
        }
        row.scores = scores;
        row.index = at;
        int kept = sampler.warp(row, scores.ranks());
        return scores.ranked().index(at, sampler.pick(uniform, kept));
    }

    /** Without cuts nothing needs to be sorted. */
    private int drawFromAll(Scores scores, int at, double uniform) {
        int vocabSize = rules.tokens().vocabSize();
        long base = (long) at * vocabSize;
        double best = scores.ranked().value(at, 0);
        double temperature = rules.options().temperature();
        double total = 0;
        for (int i = 0; i < vocabSize; i++) {
            total += Math.exp((scores.logits().getAtIndex(ValueLayout.JAVA_FLOAT, base + i) - best) / temperature);
        }
        double target = uniform * total;
        double sum = 0;
        for (int i = 0; i < vocabSize; i++) {
            sum += Math.exp((scores.logits().getAtIndex(ValueLayout.JAVA_FLOAT, base + i) - best) / temperature);
            if (target < sum) {
                return i;
            }
        }
        return scores.ranked().index(at, 0);
    }

    private void finish(Sequence sequence, Finish finish) {
        sequence.done = true;
        int generated = sequence.length - 1;
        double score = generated == 0 ? 0 : sequence.sum / Math.pow(generated, rules.options().lengthPenalty());
        results[sequence.index] = new Generated(sequence.generated(), score, finish);
    }

    @Override
    List<Generated> results() {
        return List.of(results);
    }
}
