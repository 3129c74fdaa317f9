package dev.gatun.models.audio;

/** Triangles on Slaney's mel scale (Slaney 1998), each of area 1, from 0 to 8000 Hz. */
final class MelFilters {
    private static final double HIGHEST = 8000;
    private static final double LINEAR_TO = 1000;
    private static final double LINEAR_MELS = 15;
    private static final double LOG_STEP = Math.log(6.4) / 27;

    private final int[] first;
    private final double[][] weights;

    MelFilters(int bins, int window, int sampleRate) {
        this.first = new int[bins];
        this.weights = new double[bins][];
        double[] edges = new double[bins + 2];
        double most = LINEAR_MELS + Math.log(HIGHEST / LINEAR_TO) / LOG_STEP;
        for (int i = 0; i < edges.length; i++) {
            double mel = most * i / (bins + 1);
            edges[i] = mel < LINEAR_MELS ? mel * LINEAR_TO / LINEAR_MELS : LINEAR_TO * Math.exp((mel - LINEAR_MELS) * LOG_STEP);
        }
        double step = (double) (sampleRate / 2) / (window / 2);
        for (int i = 0; i < bins; i++) {
            int from = (int) Math.ceil(edges[i] / step);
            int to = Math.min(window / 2, (int) Math.floor(edges[i + 2] / step));
            first[i] = from;
            weights[i] = new double[Math.max(0, to - from + 1)];
            for (int k = 0; k < weights[i].length; k++) {
                double hertz = (from + k) * step;
                double slope = Math.min((hertz - edges[i]) / (edges[i + 1] - edges[i]), (edges[i + 2] - hertz) / (edges[i + 2]
                        - edges[i + 1]));
                weights[i][k] = Math.max(0, slope) * 2 / (edges[i + 2] - edges[i]);
            }
        }
    }

    /** log10 of the power in each filter, at least -10. */
    void apply(double[] power, float[] dst, int offset) {
        for (int i = 0; i < weights.length; i++) {
            double sum = 0;
            for (int k = 0; k < weights[i].length; k++) {
                sum += power[first[i] + k] * weights[i][k];
            }
            dst[offset + i] = (float) Math.log10(Math.max(sum, 1e-10));
        }
    }
}
