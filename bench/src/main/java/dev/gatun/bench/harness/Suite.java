package dev.gatun.bench.harness;

import java.io.IOException;
import java.util.List;

/** Workloads, and the contenders that do them. */
public interface Suite {

    /** What {@code --suite} calls it. */
    String name();

    /** The work; fewer for a quick run. */
    List<Workload> workloads(boolean quick);

    /** Names of the contenders, ours first: the others are divided by it. */
    List<String> contenders();

    /** Those that do this workload, in the same order; the others would take too long, or cannot. */
    default List<String> contenders(Workload workload) {
        return contenders();
    }

    /** Makes files that contenders read, before any of them starts: their memory and start-up should not show it. */
    default void prepare(Workload workload) throws IOException {
    }

    /** Bytes that must come from memory for one item, where that decides; 0 where it does not. */
    default double bytesPerItem(Workload workload) {
        return 0;
    }

    /** Makes a contender, in its own process. May throw anything: then the report says that it is missing, and why. */
    Contender create(String contender, Workload workload) throws Exception;

    /** The largest difference between outputs, relative to the largest output, that is still the same answer. */
    double tolerance();

    /** The same for one workload. */
    default double tolerance(Workload workload) {
        return tolerance();
    }

    /**
     * Requests at random times.
     *
     * @param rate     a second
     * @param requests in all
     */
    record Load(double rate, int requests) {
    }

    /** Loads of workloads whose parameter {@code load} is 1; none: shares of what the slowest contender can serve, some seconds each. */
    default List<Load> loads(boolean quick) {
        return List.of();
    }
}
