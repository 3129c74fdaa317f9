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
    private final Hypotheses finished;
    private final Continuations candidates;
    private final Continuations next;
    private final boolean[] moved;
    private final Sequence[] children;

    BeamSearch(Rules rules, Target target, BlockTable sourceTable) {
        super(rules, target, sourceTable, rules.options.numBeams());
        this.beams = rules.options.numBeams();
        this.finished = new Hypotheses(rules, target);
        this.candidates = rules.options.doSample() ? new DrawnContinuations(rules, candidates(rules))
                : new Continuations(candidates(rules), beams);
        this.next = new Continuations(beams, 0);
        this.moved = new boolean[beams];
        this.children = new Sequence[beams];
        Sequence first = rules.pool.takeSequence();
        first.start(target, 1, 0);
        first.random = Sampler.seed(rules.options.seed(), target.source(), 0);
        live[liveCount++] = first;
    }

    /** How many continuations a step looks at: enough for numBeams others, whatever ends. */
    static int candidates(Rules rules) {
        return Math.max(2, rules.eos.length + 1) * rules.options.numBeams();
    }

    @Override
    void advance(Scores scores, int firstRow) {
        candidates.collect(live, liveCount, scores, firstRow);
        next.count = 0;
        for (int i = 0; i < candidates.count; i++) {
            take(i);
        }
        if (next.count > 0) {
            reorder();
            if (!finished.isDone(live[0])) {
                return;
            }
        }
        for (int i = 0; i < liveCount; i++) {
            rules.pool.giveBack(live[i]);
        }
        liveCount = 0;
        tell();
    }

    private void take(int i) {
        Sequence parent = live[candidates.parents[i]];
        Finish finish = rules.finish(parent, candidates.tokens[i]);
        if (finish == null) {
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

    /** The listener hears the best sequence once it is known. */
    private void tell() {
        if (rules.listener == TokenListener.NONE) {
            return;
        }
        List<Generated> best = finished.best();
        for (int sequence = 0; sequence < best.size(); sequence++) {
            boolean goOn = true;
            int[] ids = best.get(sequence).ids();
            for (int i = 0; i < ids.length && goOn; i++) {
                goOn = rules.listener.onToken(target.source(), sequence, ids[i]);
            }
        }
    }

    @Override
    List<Generated> results() {
        return finished.best();
    }
}
