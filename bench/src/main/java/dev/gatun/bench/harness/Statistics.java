package dev.gatun.bench.harness;

import java.util.Arrays;

/** Order statistics. */
public final class Statistics {
    private Statistics() {
    }

    /** The p-quantile, between neighbours by their distance; NaN of nothing. */
    public static double quantile(double[] values, double p) {
        if (values.length == 0) {
            return Double.NaN;
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double position = p * (sorted.length - 1);
        int below = (int) Math.floor(position);
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }

    /** The middle value. */
    public static double median(double[] values) {
        return quantile(values, 0.5);
    }

    /** The largest difference of two outputs relative to the largest magnitude; infinite if sizes or NaNs differ. */
    public static double difference(float[] a, float[] b) {
        if (a.length != b.length) {
            return Double.POSITIVE_INFINITY;
        }
        double largest = 1e-30;
        double difference = 0;
        for (int i = 0; i < a.length; i++) {
            if (Float.isNaN(a[i]) || Float.isNaN(b[i])) {
                return Double.POSITIVE_INFINITY;
            }
            largest = Math.max(largest, Math.max(Math.abs(a[i]), Math.abs(b[i])));
            difference = Math.max(difference, Math.abs((double) a[i] - b[i]));
        }
        return difference / largest;
    }
}
