package dev.gatun.models.classify;

/**
 * How a model is quantized.
 *
 * @param percentile  share of an activation's values, in percent, that its bytes cover; the rest saturates. 100: all of them (min-max)
 * @param floatFirst  whether the first convolution stays in F32
 * @param floatLast   whether the last linear layer stays in F32
 * @param threads     cores to use
 */
public record QuantizeOptions(double percentile, boolean floatFirst, boolean floatLast, int threads) {
    /** Checks the numbers. */
    public QuantizeOptions {
        if (!(percentile > 50 && percentile <= 100) || threads < 1) {
            throw new IllegalArgumentException("percentile " + percentile + ", threads " + threads
                    + ": expected above 50 to 100, and 1 or more");
        }
    }

    /** Min-max, everything in bytes but the last layer. */
    public static QuantizeOptions defaults() {
        return new QuantizeOptions(100, false, true, Runtime.getRuntime().availableProcessors());
    }
}
