package dev.gatun.models.generate;

import dev.gatun.models.generate.Generated.Finish;
import java.util.Arrays;
import java.util.List;

/**
 * Beam search by the rules of Hugging Face: of the best candidates, which are numBeams times one more than there are end tokens, those
 * that end count if they rank among the first numBeams, and the first numBeams others go on. A beam that goes on in one continuation
 * keeps its cache; one that goes on in several shares its blocks with them.
 */
final class BeamSearch extends Search {
    private final int beams;
    private final boolean grouped;
    private final Hypotheses finished;
    private final Continuations candidates;
    /** The best continuations that go on. */
    final Continuations next;
    private final boolean[] moved;
    private final Sequence[] children;
    private Finish ending;

    BeamSearch(Rules rules, Target target, BlockTable sourceTable) {
        this(rules, target, sourceTable, rules.options.numBeams(), null);
    }

    /** One group of beams; with diversity null, all of them. */
    BeamSearch(Rules rules, Target target, BlockTable sourceTable, int beams, Diversity diversity) {
        super(rules, target, sourceTable, beams);
        this.beams = beams;
        this.grouped = diversity != null;
        this.finished = new Hypotheses(rules, target, beams);
        int most = candidates(rules, beams);
        this.candidates = grouped ? new DiverseContinuations(most, diversity)
                : rules.options.doSample() ? new DrawnContinuations(rules, most) : new Continuations(most, beams);
        this.next = new Continuations(beams, 0);
        this.moved = new boolean[beams];
        this.children = new Sequence[beams];
        Sequence first = rules.pool.takeSequence();
        first.start(target, 1, 0);
        first.random = Sampler.seed(rules.options.seed(), target.source(), 0);
        live[liveCount++] = first;
    }

    /** How many continuations a step looks at: enough for so many others, whatever ends. */
    static int candidates(Rules rules, int beams) {
        return Math.max(2, rules.eos.length + 1) * beams;
    }

    @Override
    void advance(Scores scores, int firstRow) {
        candidates.collect(live, liveCount, scores, firstRow);
        next.count = 0;
        ending = null;
        for (int i = 0; i < candidates.count; i++) {
            take(i);
        }
        if (next.count > 0 && !isDone()) {
            if (ending == null) {
                reorder();
                return;
            }
            for (int i = 0; i < next.count; i++) {
                finished.add(live[next.parents[i]], next.tokens[i], next.sums[i], ending);
            }
        }
        for (int i = 0; i < liveCount; i++) {
            rules.pool.giveBack(live[i]);
        }
        liveCount = 0;
        if (!grouped) {
            tell();
        }
    }

    /** Groups also look at what has just ended, as transformers' search of groups does. */
    private boolean isDone() {
        return finished.isDone(live[0].length + 1 - live[0].promptLength(), grouped ? candidates.sums[0] : next.sums[0]);
    }

    private void take(int i) {
        Sequence parent = live[candidates.parents[i]];
        Finish finish = rules.finish(parent, candidates.tokens[i]);
        boolean cut = grouped && (finish == Finish.LENGTH || finish == Finish.TIME);
        if (finish == null || cut) {
            // Of a group that is cut, all that would go on count.
            ending = cut ? finish : ending;
            next.insert(candidates.parents[i], candidates.tokens[i], candidates.sums[i]);
        } else if (i < beams) {
            finished.add(parent, candidates.tokens[i], candidates.sums[i], finish);
        }
    }

    private void reorder() {
        Arrays.fill(moved, false);
        // Copies are made while the parents still end where they did.
        for (int i = 0; i < next.count; i++) {
            children[i] = null;
            int parent = next.parents[i];
            if (moved[parent]) {
                children[i] = rules.pool.takeSequence();
                children[i].fork(live[parent]);
            }
            moved[parent] = true;
        }
        long random = live[0].random;
        for (int i = 0; i < next.count; i++) {
            children[i] = children[i] == null ? live[next.parents[i]] : children[i];
            children[i].append(next.tokens[i], next.sums[i]);
            children[i].random = random;
        }
        for (int i = 0; i < liveCount; i++) {
            if (!moved[i]) {
                rules.pool.giveBack(live[i]);
            }
        }
        System.arraycopy(children, 0, live, 0, next.count);
        liveCount = next.count;
    }

    @Override
    List<Generated> results() {
        return all().stream().limit(rules.options.numReturnSequences()).toList();
    }

    /** All that have ended, best first. */
    List<Generated> all() {
        return finished.best();
    }
}
