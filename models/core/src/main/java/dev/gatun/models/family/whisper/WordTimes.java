package dev.gatun.models.family.whisper;

import dev.gatun.models.generate.Encoded;
import dev.gatun.tensor.exec.BoundPlan;
import java.util.Arrays;
import java.util.List;

/**
 * When each token was said: dynamic time warping over the attention that some heads of the decoder pay to the audio (Radford et al. 2022),
 * as transformers does it.
 */
final class WordTimes {
    private static final double PRECISION = 0.02;

    private WordTimes() {
    }

    /** The queries of a step of one row, of every aligned head: [heads][headDim]. */
    static float[] queries(WhisperModel model, BoundPlan plan) {
        int[][] heads = model.generation().alignment();
        int dim = model.config().headDim();
        float[] queries = new float[heads.length * dim];
        for (int i = 0; i < heads.length; i++) {
            for (int d = 0; d < dim; d++) {
                queries[i * dim + d] = plan.output(WhisperGraphs.query(heads[i][0])).getFloat((long) heads[i][1] * dim + d);
            }
        }
        return queries;
    }

    /**
     * The times of a window's tokens, the last of which was never read: it has the time of the one before.
     *
     * @param queries of every token of the text that was read
     * @param frames  of the audio in this window
     * @return seconds from the window's start, for each token of the text and one more
     */
    static double[] of(WhisperModel model, Encoded window, List<float[]> queries, int frames) {
        int tokens = queries.size();
        int columns = Math.min(frames / 2, model.config().sourceLen());
        if (tokens == 0 || columns == 0) {
            return new double[tokens + 1];
        }
        double[][] mean = new double[tokens][columns];
        int[][] heads = model.generation().alignment();
        for (int h = 0; h < heads.length; h++) {
            double[][] weights = attention(model, window, queries, h);
            standardize(weights, columns);
            for (int t = 0; t < tokens; t++) {
                double[] smooth = median(weights[t], columns, model.config().medianWidth());
                for (int c = 0; c < columns; c++) {
                    mean[t][c] += smooth[c] / heads.length;
                }
            }
        }
        return warp(mean);
    }

    /** Softmax of query times key, [tokens][sourceLen]. */
    private static double[][] attention(WhisperModel model, Encoded window, List<float[]> queries, int head) {
        int dim = model.config().headDim();
        int columns = model.config().sourceLen();
        int[] at = model.generation().alignment()[head];
        float[] keys = new float[dim * columns];
        window.keys(at[0], at[1], keys);
        double[][] weights = new double[queries.size()][columns];
        for (int t = 0; t < weights.length; t++) {
            double[] row = weights[t];
            for (int d = 0; d < dim; d++) {
                double q = queries.get(t)[head * dim + d] / Math.sqrt(dim);
                for (int c = 0; c < columns; c++) {
                    row[c] += q * keys[d * columns + c];
                }
            }
            double max = Arrays.stream(row).max().orElse(0);
            double sum = 0;
            for (int c = 0; c < columns; c++) {
                row[c] = Math.exp(row[c] - max);
                sum += row[c];
            }
            for (int c = 0; c < columns; c++) {
                row[c] /= sum;
            }
        }
        return weights;
    }

    /** Each column less its mean, over its deviation. */
    private static void standardize(double[][] weights, int columns) {
        for (int c = 0; c < columns; c++) {
            double mean = 0;
            double squares = 0;
            for (double[] row : weights) {
                mean += row[c] / weights.length;
            }
            for (double[] row : weights) {
                squares += (row[c] - mean) * (row[c] - mean) / weights.length;
            }
            double deviation = Math.sqrt(squares);
            for (double[] row : weights) {
                row[c] = deviation == 0 ? 0 : (row[c] - mean) / deviation;
            }
        }
    }

    /** The median of so many neighbours, mirrored at the ends; a row that is not longer than half of them stays. */
    private static double[] median(double[] row, int columns, int width) {
        int half = width / 2;
        double[] result = Arrays.copyOf(row, columns);
        if (columns <= half) {
            return result;
        }
        double[] window = new double[width];
        for (int c = 0; c < columns; c++) {
            for (int i = 0; i < width; i++) {
                int at = Math.abs(c - half + i);
                window[i] = row[at < columns ? at : 2 * (columns - 1) - at];
            }
            Arrays.sort(window);
            result[c] = window[half];
        }
        return result;
    }

    /** The times at which the cheapest path through -mean comes to the next token. */
    private static double[] warp(double[][] mean) {
        int tokens = mean.length;
        int columns = mean[0].length;
        float[][] cost = new float[tokens + 1][columns + 1];
        byte[][] step = new byte[tokens + 1][columns + 1];
        for (float[] row : cost) {
            Arrays.fill(row, Float.POSITIVE_INFINITY);
        }
        cost[0][0] = 0;
        for (int j = 1; j <= columns; j++) {
            for (int i = 1; i <= tokens; i++) {
                float both = cost[i - 1][j - 1];
                float token = cost[i - 1][j];
                float time = cost[i][j - 1];
                step[i][j] = (byte) (both < token && both < time ? 0 : token < both && token < time ? 1 : 2);
                cost[i][j] = (float) (-mean[i - 1][j - 1] + (step[i][j] == 0 ? both : step[i][j] == 1 ? token : time));
            }
        }
        double[] times = new double[tokens + 1];
        int i = tokens;
        int j = columns;
        while (i > 0 || j > 0) {
            if (i > 0) {
                // The first column of each token, because the path is walked backwards.
                times[i - 1] = Math.max(0, j - 1) * PRECISION;
            }
            int move = i == 0 ? 2 : j == 0 ? 1 : step[i][j];
            i -= move == 2 ? 0 : 1;
            j -= move == 1 ? 0 : 1;
        }
        times[tokens] = times[tokens - 1];
        return times;
    }
}
