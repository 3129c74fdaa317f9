package dev.gatun.bench.harness;

import java.util.List;
import java.util.Map;

/**
 * What one contender did with one workload.
 *
 * @param suite        of the workload
 * @param workload     its name
 * @param parameters   its numbers
 * @param contender    short name
 * @param version      engine and version, or why it is missing
 * @param missing      whether it could not run
 * @param roundMillis  median duration of a run in each round, forks one after the other
 * @param p99Millis    99th percentile over all runs
 * @param ratios       for each round, this duration over ours: above 1 we are faster; empty for ourselves
 * @param perSecond    items a second, from the median
 * @param unit         of the items
 * @param bytesPerItem that must come from memory; 0 where that does not decide
 * @param peak         FLOP/s of multiply-adds in registers alone, measured between runs: at the clock that this work leaves; 0 if unknown
 * @param difference   of the outputs from ours, relative
 * @param memory       of the last fork's process
 * @param loads        latencies with requests coming at random; empty where that was not asked
 */
public record Result(String suite, String workload, Map<String, Integer> parameters, String contender, String version, boolean missing,
        List<Double> roundMillis, double p99Millis, List<Double> ratios, double perSecond, String unit, double bytesPerItem,
        double peak, double difference, Memory memory, List<Load> loads) {

    /**
     * What it takes besides time.
     *
     * @param startSeconds      from starting the JVM to the first result
     * @param loadedMegabytes   resident after the first result
     * @param residentMegabytes resident after each round
     * @param runs              in each round
     * @param libraryMegabytes  size on disk of the native libraries, without the JDK's
     */
    public record Memory(double startSeconds, double loadedMegabytes, List<Double> residentMegabytes, int runs, double libraryMegabytes) {
        /** Resident after everything. */
        public double lastMegabytes() {
            return residentMegabytes.isEmpty() ? loadedMegabytes : residentMegabytes.getLast();
        }
    }

    /**
     * Latencies of requests that come at random times, served one after the other.
     *
     * @param rate   requests a second
     * @param count  requests
     * @param millis from coming to the answer: 50th, 90th, 99th and 99.9th percentile
     */
    public record Load(double rate, int count, List<Double> millis) {
        /** Which percentiles there are. */
        public static final double[] PERCENTILES = {0.5, 0.9, 0.99, 0.999};
    }

    /** A contender that could not run, and why. */
    static Result missing(String suite, Workload workload, String contender, String why) {
        return new Result(suite, workload.name(), workload.parameters(), contender, why, true, List.of(), 0, List.of(), 0, workload.unit(),
                0, 0, 0,
                new Memory(0, 0, List.of(), 0, 0), List.of());
    }

    /** Median over the rounds. */
    public double medianMillis() {
        return Statistics.median(array(roundMillis));
    }

    /** Median ratio; NaN for ourselves. */
    public double medianRatio() {
        return Statistics.median(array(ratios));
    }

    /** Quantile of the ratios. */
    public double ratio(double p) {
        return Statistics.quantile(array(ratios), p);
    }

    static double[] array(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).toArray();
    }
}
