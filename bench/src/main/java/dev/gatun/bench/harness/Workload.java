package dev.gatun.bench.harness;

import java.util.Map;

/**
 * What is computed; every contender gets the same.
 *
 * @param name       as {@code 8x128, 2 threads}
 * @param parameters numbers that the contenders read, as {@code batch}, {@code seqLen}, {@code threads}
 * @param items      units of work in one run, for a throughput
 * @param unit       of the throughput, as {@code texts}
 */
public record Workload(String name, Map<String, Integer> parameters, long items, String unit) {

    /** A parameter. */
    public int get(String parameter) {
        Integer value = parameters.get(parameter);
        if (value == null) {
            throw new IllegalArgumentException("workload " + name + " has no " + parameter);
        }
        return value;
    }
}
