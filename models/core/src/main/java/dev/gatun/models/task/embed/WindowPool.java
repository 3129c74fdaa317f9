package dev.gatun.models.task.embed;

import dev.gatun.models.encode.Rows;
import dev.gatun.models.tokenize.TextTokenizer;
import java.util.List;

/** Makes one vector of those of a text's windows: their mean, each with the weight of its tokens. */
final class WindowPool {
    private WindowPool() {
    }

    /**
     * Pools the windows.
     *
     * @param rows      a row of each
     * @param windows   their tokens
     * @param normalize whether the result gets Euclidean length 1
     */
    static float[] pool(List<Rows> rows, List<TextTokenizer.Tokens> windows, boolean normalize) {
        double[] sum = new double[rows.getFirst().columns()];
        double weight = 0;
        double squares = 0;
        for (int w = 0; w < windows.size(); w++) {
            int tokens = windows.get(w).ids().length;
            weight += tokens;
            for (int c = 0; c < sum.length; c++) {
                sum[c] += (double) tokens * rows.get(w).get(0, c);
            }
        }
        for (double v : sum) {
            squares += v * v;
        }
        double divisor = normalize ? Math.max(Math.sqrt(squares), 1e-12) : weight;
        float[] vector = new float[sum.length];
        for (int c = 0; c < vector.length; c++) {
            vector[c] = (float) (sum[c] / divisor);
        }
        return vector;
    }
}
