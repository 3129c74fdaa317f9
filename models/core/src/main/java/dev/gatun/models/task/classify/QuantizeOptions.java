package dev.gatun.models.task.classify;

import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.tensor.weights.Int8Weights;

/**
 * How a model is quantized.
 *
 * @param percentile  share of an activation's values, in percent, that its bytes cover; the rest saturates. 100: all of them (min-max)
 * @param floatFirst  whether the first convolution stays in F32
 * @param floatLast   whether the last linear layer stays in F32
 * @param weightBits  8, or 7 for processors without VNNI, on which sums of 8 would saturate
 * @param threads     cores to use
 */
public record QuantizeOptions(double percentile, boolean floatFirst, boolean floatLast, int weightBits, int threads) {
    /** Checks the numbers. */
    public QuantizeOptions {
        if (!(percentile > 50 && percentile <= 100) || weightBits < 7 || weightBits > 8 || threads < 1) {
            throw new IllegalArgumentException("percentile " + percentile + ", weight bits " + weightBits + ", threads " + threads
                    + ": expected above 50 to 100, 7 or 8, and 1 or more");
        }
    }

    /** 8, or 7 if this processor would saturate. */
    public static int usualWeightBits() {
        return Int8Weights.sumsAreExact() ? 8 : 7;
    }

    /** Min-max, everything in bytes but the last layer. */
    public static QuantizeOptions defaults() {
        return new QuantizeOptions(100, false, true, usualWeightBits(), ThreadCount.usual());
    }
}
