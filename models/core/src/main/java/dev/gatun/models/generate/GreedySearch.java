package dev.gatun.models.generate;

import dev.gatun.models.generate.Generated.Finish;
import java.util.List;

/** The best token at every step, or one drawn; several independent sequences of one source where they are drawn. */
final class GreedySearch extends Search {
    private final Draw draw;
    private final Generated[] results;

    GreedySearch(Rules rules, Target target, BlockTable sourceTable) {
        super(rules, target, sourceTable, rules.options.numReturnSequences());
        this.draw = rules.options.doSample() ? new Draw(rules) : null;
        this.results = new Generated[live.length];
        for (int i = 0; i < results.length; i++) {
            live[liveCount++] = rules.pool.takeSequence();
            live[i].start(target, 1, i);
            live[i].random = Sampler.seed(rules.options.seed(), target.source(), i);
        }
    }

    @Override
    void advance(Scores scores, int firstRow) {
        int kept = 0;
        for (int i = 0; i < liveCount; i++) {
            Sequence sequence = live[i];
            Finish finish = advance(sequence, scores, firstRow + i);
            if (finish == null) {
                live[kept++] = sequence;
            } else {
                results[sequence.index] = result(rules, sequence, finish);
                rules.pool.giveBack(sequence);
            }
        }
        liveCount = kept;
    }

    /** Chooses the next token, and more as long as they were guessed: what was read of the guess is in the cache then. */
    private Finish advance(Sequence sequence, Scores scores, int row) {
        int guesses = sequence.guesses;
        sequence.guesses = 0;
        int guess = guesses > 0 ? sequence.ids[sequence.length] : -1;
        Finish finish = append(rules, sequence, draw, scores, row);
        for (int i = 0; i < guesses && finish == null && sequence.ids[sequence.length - 1] == guess; i++) {
            guess = i + 1 < guesses ? sequence.ids[sequence.length] : -1;
            sequence.fed = sequence.length;
            finish = append(rules, sequence, draw, scores, sequence.guessRow + i);
        }
        return finish;
    }

    /** Chooses a sequence's next token; why it ends there, or null. */
    static Finish append(Rules rules, Sequence sequence, Draw draw, Scores scores, int row) {
        if (scores.ranked().value(row, 0) == Float.NEGATIVE_INFINITY) {
            return Finish.FORBIDDEN;
        }
        int token = draw == null ? scores.ranked().index(row, 0) : draw.token(sequence, scores, row);
        Finish finish = rules.finish(sequence, token);
        sequence.append(token, sequence.sum + scores.logit(row, rules.vocabSize, token) - scores.normalizers()[row]);
        boolean goOn = rules.listener.onToken(sequence.source(), sequence.index, token);
        return goOn || finish == Finish.EOS || finish == Finish.STOP ? finish : Finish.CANCELLED;
    }

    static Generated result(Rules rules, Sequence sequence, Finish finish) {
        int[] ids = sequence.generated();
        return new Generated(ids, rules.score(sequence.sum, ids.length), sequence.generatedScores(), finish);
    }

    @Override
    List<Generated> results() {
        return List.of(results);
    }
}
