package dev.gatun.models.generate;

import dev.gatun.bindings.kernels.Logits;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** One source's search: the sequences that are decoded for it, and what becomes of them when the next scores are known. */
abstract sealed class Search permits GreedySearch, BeamSearch {
    final int source;
    final int sourceLength;
    final BlockTable sourceTable;
    final Sequence[] live;
    int liveCount;

    Search(int source, int sourceLength, BlockTable sourceTable, int maxLive) {
        this.source = source;
        this.sourceLength = sourceLength;
        this.sourceTable = sourceTable;
        this.live = new Sequence[maxLive];
    }

    /**
     * Scores of a step, processed.
     *
     * @param logits F32 [rows, vocabSize]
     * @param ranked the best of each row, and its log-sum-exp
     * @param ranks  how many are ranked
     */
    record Scores(MemorySegment logits, Logits ranked, int ranks) {
    }

    /** What all searches of a run share. */
    record Rules(GenerationOptions options, GenerativeModel.Tokens tokens, int maxLength, int[][] stops, TokenListener listener,
            SequencePool pool) {

        /** Whether a sequence that is followed by this token ends in a stop sequence. */
        boolean stops(Sequence sequence, int token) {
            for (int[] stop : stops) {
                int matching = stop[stop.length - 1] == token && stop.length <= sequence.length ? 1 : 0;
                while (matching > 0 && matching < stop.length
                        && stop[stop.length - 1 - matching] == sequence.ids[sequence.length - matching]) {
                    matching++;
                }
                if (matching == stop.length) {
                    return true;
                }
            }
            return false;
        }
    }

    /** Whether processors and sums see log-probabilities. */
    abstract boolean probabilities();

    /** Chooses; rows {@code firstRow ..} of the scores are those of the live sequences. Allocates nothing. */
    abstract void advance(Scores scores, int firstRow);

    /** The results, once no sequence is live. */
    abstract List<Generated> results();

    /** Lets go of every block that the search holds. */
    final void release(SequencePool pool) {
        for (int i = 0; i < liveCount; i++) {
            pool.giveBack(live[i]);
        }
        liveCount = 0;
        pool.giveBack(sourceTable);
    }
}
