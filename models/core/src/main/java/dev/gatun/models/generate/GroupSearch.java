package dev.gatun.models.generate;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Diverse beam search (Vijayakumar et al. 2016): groups of beams choose one after the other, and what a group before has chosen in the same
 * step costs more. Each group is a beam search of its own; the best of all groups are the results.
 */
final class GroupSearch extends Search {
    private final BeamSearch[] groups;
    private final Diversity diversity;

    GroupSearch(Rules rules, Target target, BlockTable sourceTable) {
        super(rules, target, sourceTable, rules.options.numBeams());
        diversity = new Diversity(rules.options.diversityPenalty(), live.length);
        groups = new BeamSearch[rules.options.numBeamGroups()];
        for (int i = 0; i < groups.length; i++) {
            groups[i] = new BeamSearch(rules, target, sourceTable, live.length / groups.length, diversity);
        }
        gather();
    }

    /** Of what a row has best, as many may cost more as other groups have beams. */
    static int ranks(Rules rules) {
        int beams = rules.options.numBeams() / rules.options.numBeamGroups();
        return BeamSearch.candidates(rules, beams) + rules.options.numBeams() - beams;
    }

    private void gather() {
        liveCount = 0;
        for (BeamSearch group : groups) {
            System.arraycopy(group.live, 0, live, liveCount, group.liveCount);
            liveCount += group.liveCount;
        }
    }

    @Override
    void advance(Scores scores, int firstRow) {
        diversity.clear();
        int row = firstRow;
        for (BeamSearch group : groups) {
            int rows = group.liveCount;
            if (rows > 0) {
                group.advance(scores, row);
                diversity.add(group.next);
                row += rows;
            }
        }
        gather();
        if (liveCount == 0) {
            tell();
        }
    }

    @Override
    List<Generated> results() {
        return Stream.of(groups).flatMap(group -> group.all().stream()).sorted(Comparator.comparingDouble(Generated::score).reversed())
                .limit(rules.options.numReturnSequences()).toList();
    }
}
