package dev.gatun.bench.harness;

import java.util.List;

/**
 * What one contender did with one workload.
 *
 * @param suite        of the workload
 * @param workload     its name
 * @param contender    short name
 * @param version      engine and version, or why it is missing
 * @param missing      whether it could not run
 * @param roundMillis  median duration of a run in each round
 * @param p99Millis    99th percentile over all runs
 * @param ratios       for each round, this duration over ours: above 1 we are faster; empty for ourselves
 * @param perSecond    items a second, from the median
 * @param unit         of the items
 * @param difference   of the outputs from ours, relative
 * @param startSeconds from starting the JVM to the first result
 * @param residentMegabytes after everything
 * @param loadedMegabytes   resident after the first result
 * @param libraryMegabytes  size on disk of the native libraries, without the JDK's
 */
public record Result(String suite, String workload, String contender, String version, boolean missing,
        List<Double> roundMillis, double p99Millis, List<Double> ratios, double perSecond, String unit,
        double difference, double startSeconds, double residentMegabytes,
        double loadedMegabytes, double libraryMegabytes) {

    /** A contender that could not run, and why. */
    static Result missing(String suite, Workload workload, String contender, String why) {
        return new Result(suite, workload.name(), contender, why, true, List.of(), 0, List.of(), 0, workload.unit(), 0, 0, 0, 0, 0);
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
