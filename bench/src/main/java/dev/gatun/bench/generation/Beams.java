package dev.gatun.bench.generation;

import java.util.ArrayList;
import java.util.List;

/** Which token each row took at each step, and which row it came from. */
final class Beams {
    private final List<long[]> tokens = new ArrayList<>();
    private final List<long[]> parents = new ArrayList<>();

    /** Parents null: every row came from itself. */
    void add(long[] stepTokens, long[] stepParents) {
        tokens.add(stepTokens);
        parents.add(stepParents);
    }

    /** The best sequence of each source: that which ends in its first row. */
    float[] bestOfAll(int batch, int rowsPerSource) {
        int steps = tokens.size();
        float[] ids = new float[batch * steps];
        for (int i = 0; i < batch; i++) {
            System.arraycopy(best(i * rowsPerSource, steps), 0, ids, i * steps, steps);
        }
        return ids;
    }

    /** The sequence that ends in a row after so many steps. */
    float[] best(int lastRow, int steps) {
        float[] ids = new float[steps];
        int row = lastRow;
        for (int step = steps - 1; step >= 0; step--) {
            ids[step] = tokens.get(step)[row];
            row = parents.get(step) == null ? row : (int) parents.get(step)[row];
        }
        return ids;
    }
}
