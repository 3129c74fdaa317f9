package dev.gatun.models.generate;

import dev.gatun.models.generate.Generated.Finish;
import java.util.Arrays;
import java.util.List;

/**
 * Beam search by the rules of Hugging Face's {@code BeamSearchScorer}. Of the best 2 * numBeams continuations, those that end count
 * if they rank among the first numBeams, and the first numBeams others go on. A beam that goes on in one continuation keeps its
 * cache; one that goes on in several shares its blocks with them.
 */
final class BeamSearch extends Search {
    private final Rules rules;
    private final int beams;
    private final Hypotheses finished;
    private final int[] next;
    private final int[] parents;
    private final int[] tokens;
    private final double[] sums;
    private final boolean[] moved;
    private final Sequence[] children;
    private int kept;

    BeamSearch(int source, int sourceLength, BlockTable sourceTable, Rules rules) {
        super(source, sourceLength, sourceTable, rules.options().numBeams());
        this.rules = rules;
        this.beams = rules.options().numBeams();
        this.finished = new Hypotheses(rules.options(), rules.maxLength());
        this.next = new int[beams];
        this.parents = new int[beams];
        this.tokens = new int[beams];
        this.sums = new double[beams];
        this.moved = new boolean[beams];
        this.children = new Sequence[beams];
        Sequence first = rules.pool().takeSequence();
        first.start(rules.tokens().decoderStart(), rules.maxLength(), 0);
        live[liveCount++] = first;
    }

    @Override
    boolean probabilities() {
        return true;
    }

    @Override
    void advance(Scores scores, int firstRow) {
        int length = live[0].length;
        double best = choose(scores, firstRow);
        // The start token does not count, the token chosen now does.
        boolean done = kept == 0 || finished.isDone(best, length);
        if (!done) {
            reorder();
            if (length + 1 < rules.maxLength()) {
                return;
            }
            for (int i = 0; i < liveCount; i++) {
                finished.add(live[i], -1, live[i].sum, Finish.LENGTH);
            }
        }
        for (int i = 0; i < liveCount; i++) {
            rules.pool().giveBack(live[i]);
        }
        liveCount = 0;
        tell();
    }

    /** Merges the rows' ranks; returns the best sum. */
    private double choose(Scores scores, int firstRow) {
        Arrays.fill(next, 0);
        kept = 0;
        double best = Double.NEGATIVE_INFINITY;
        for (int rank = 0; rank < 2 * beams && kept < beams; rank++) {
            int parent = -1;
            double highest = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < liveCount; i++) {
                double sum = next[i] == scores.ranks() ? Double.NEGATIVE_INFINITY : sum(scores, firstRow + i, i);
                if (sum > highest) {
                    highest = sum;
                    parent = i;
                }
            }
            if (parent < 0) {
                break;
            }
            best = rank == 0 ? highest : best;
            take(rank, parent, scores.ranked().index(firstRow + parent, next[parent]++), highest);
        }
        return best;
    }

    private double sum(Scores scores, int row, int beam) {
        return live[beam].sum + (scores.ranked().value(row, next[beam]) - (double) scores.ranked().logSumExp(row));
    }

    private void take(int rank, int parent, int token, double sum) {
        boolean eos = token == rules.tokens().eos();
        if (eos || rules.stops(live[parent], token)) {
            if (rank < beams) {
                finished.add(live[parent], token, sum, eos ? Finish.EOS : Finish.STOP);
            }
            return;
        }
        parents[kept] = parent;
        tokens[kept] = token;
        sums[kept++] = sum;
    }

    private void reorder() {
        Arrays.fill(moved, false);
        // Copies are made while the parents still end where they did.
        for (int i = 0; i < kept; i++) {
            children[i] = null;
            if (moved[parents[i]]) {
                children[i] = rules.pool().takeSequence();
                children[i].fork(live[parents[i]]);
            }
            moved[parents[i]] = true;
        }
        for (int i = 0; i < kept; i++) {
            children[i] = children[i] == null ? live[parents[i]] : children[i];
            children[i].append(tokens[i], sums[i]);
        }
        for (int i = 0; i < liveCount; i++) {
            if (!moved[i]) {
                rules.pool().giveBack(live[i]);
            }
        }
        System.arraycopy(children, 0, live, 0, kept);
        liveCount = kept;
    }

    /** The listener hears the best sequence once it is known. */
    private void tell() {
        if (rules.listener() == TokenListener.NONE) {
            return;
        }
        List<Generated> best = finished.best();
        for (int sequence = 0; sequence < best.size(); sequence++) {
            boolean goOn = true;
            int[] ids = best.get(sequence).ids();
            for (int i = 0; i < ids.length && goOn; i++) {
                goOn = rules.listener().onToken(source, sequence, ids[i]);
            }
        }
    }

    @Override
    List<Generated> results() {
        return finished.best();
    }
}
