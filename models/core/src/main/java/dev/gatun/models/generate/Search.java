package dev.gatun.models.generate;

import dev.gatun.bindings.kernels.Logits;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** One source's search: the sequences that are decoded for it, and what becomes of them when the next scores are known. */
abstract sealed class Search permits GreedySearch, BeamSearch, GroupSearch {
    final Rules rules;
    final Target target;
    final BlockTable sourceTable;
    final Sequence[] live;
    int liveCount;

    Search(Rules rules, Target target, BlockTable sourceTable, int maxLive) {
        this.rules = rules;
        this.target = target;
        this.sourceTable = sourceTable;
        this.live = new Sequence[maxLive];
    }

    /**
     * Scores of a step, processed.
     *
     * @param logits      F32 [rows, vocabSize]
     * @param ranked      the best of each row
     * @param ranks       how many are ranked
     * @param normalizers what makes a log-probability of a row's logits by subtraction
     */
    record Scores(MemorySegment logits, Logits ranked, int ranks, float[] normalizers) {
        float logit(int row, int vocabSize, int token) {
            return logits.getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * vocabSize + token);
        }

        double logProbability(int row, int rank) {
            return ranked.value(row, rank) - (double) normalizers[row];
        }
    }

    static Search of(Rules rules, Target target, BlockTable sourceTable) {
        return rules.options.numBeamGroups() > 1 ? new GroupSearch(rules, target, sourceTable)
                : rules.options.numBeams() > 1 ? new BeamSearch(rules, target, sourceTable) : new GreedySearch(rules, target, sourceTable);
    }

    /** How many scores of each row a search wants ranked. */
    static int ranks(Rules rules) {
        GenerationOptions options = rules.options;
        int most = options.numBeamGroups() > 1 ? GroupSearch.ranks(rules)
                : options.numBeams() > 1 ? BeamSearch.candidates(rules, options.numBeams()) : 1;
        return Math.min(options.doSample() ? Draw.ranks(rules, most) : most, rules.vocabSize);
    }

    /** Chooses; rows {@code firstRow ..} of the scores are those of the live sequences. Allocates nothing. */
    final void step(Scores scores, int firstRow) {
        for (int i = 0; i < liveCount; i++) {
            live[i].fed = live[i].length;
        }
        if (!live[0].inPrompt()) {
            advance(scores, firstRow);
        }
    }

    abstract void advance(Scores scores, int firstRow);

    /** The listener hears the best sequences of beams once they are known. */
    final void tell() {
        if (rules.listener == TokenListener.NONE) {
            return;
        }
        List<Generated> best = results();
        for (int sequence = 0; sequence < best.size(); sequence++) {
            boolean goOn = true;
            int[] ids = best.get(sequence).ids();
            for (int i = 0; i < ids.length && goOn; i++) {
                goOn = rules.listener.onToken(target.source(), sequence, ids[i]);
            }
        }
    }

    /** The results, once no sequence is live. */
    abstract List<Generated> results();

    /** Lets go of every block that the search holds. */
    final void release() {
        for (int i = 0; i < liveCount; i++) {
            rules.pool.giveBack(live[i]);
        }
        liveCount = 0;
        rules.pool.giveBack(sourceTable);
    }
}
