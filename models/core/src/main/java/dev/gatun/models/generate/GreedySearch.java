package dev.gatun.models.generate;

import dev.gatun.models.generate.Generated.Finish;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** The best token at every step, or one drawn; several independent sequences of one source where they are drawn. */
final class GreedySearch extends Search {
    private final Rules rules;
    private final Draw draw;
    private final Generated[] results;

    /** @param sampler null to take the best */
    GreedySearch(int source, int sourceLength, BlockTable sourceTable, Rules rules, Sampler sampler) {
        super(source, sourceLength, sourceTable, rules.options().numReturnSequences());
        this.rules = rules;
        this.draw = sampler == null ? null : new Draw(rules.options(), sampler, rules.tokens().vocabSize());
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
        int token = draw == null ? scores.ranked().index(at, 0) : draw.token(sequence, scores, at);
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
