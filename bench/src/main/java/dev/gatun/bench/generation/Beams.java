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
    float[] best(int batch, int rowsPerSource) {
        int steps = tokens.size();
        float[] ids = new float[batch * steps];
        for (int i = 0; i < batch; i++) {
            int row = i * rowsPerSource;
            for (int step = steps - 1; step >= 0; step--) {
                ids[i * steps + step] = tokens.get(step)[row];
                row = parents.get(step) == null ? row : (int) parents.get(step)[row];
            }
        }
        return ids;
    }
}
