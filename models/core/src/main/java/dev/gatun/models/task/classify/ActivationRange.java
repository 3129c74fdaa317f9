package dev.gatun.models.task.classify;

import dev.gatun.tensor.graph.Range;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What values an activation takes over the calibration pictures: extremes first, then, for percentiles, how often which magnitude. */
final class ActivationRange {
    private static final int BINS = 4096;

    private float min = Float.POSITIVE_INFINITY;
    private float max = Float.NEGATIVE_INFINITY;
    private long[] histogram;
    private long count;

    void extremes(MemorySegment values) {
        for (long i = 0; i < values.byteSize() / Float.BYTES; i++) {
            float value = values.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            min = Math.min(min, value);
            max = Math.max(max, value);
        }
    }

    private float magnitude() {
        return Math.max(Math.abs(min), Math.abs(max));
    }

    void count(MemorySegment values) {
        if (histogram == null) {
            histogram = new long[BINS];
        }
        float scale = magnitude() > 0 ? (BINS - 1) / magnitude() : 0;
        for (long i = 0; i < values.byteSize() / Float.BYTES; i++) {
            histogram[(int) (Math.abs(values.getAtIndex(ValueLayout.JAVA_FLOAT, i)) * scale)]++;
        }
        count += values.byteSize() / Float.BYTES;
    }

    /** Bytes for all values up to a share of them; the rest saturates. */
    Range range(double percentile) {
        boolean signed = min < 0;
        float limit = magnitude();
        if (!Float.isFinite(limit)) {
            throw new IllegalArgumentException("calibration gave activations that are not finite");
        }
        if (percentile < 100 && histogram != null) {
            long above = (long) Math.floor(count * (1 - percentile / 100));
            int bin = BINS - 1;
            for (long seen = histogram[bin]; seen <= above && bin > 0; seen += histogram[bin]) {
                bin--;
            }
            limit = limit * (bin + 1) / BINS;
        }
        return new Range(limit > 0 ? limit / (signed ? 127 : 255) : 1, signed);
    }
}
