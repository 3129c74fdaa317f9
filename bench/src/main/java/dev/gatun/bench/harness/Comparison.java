package dev.gatun.bench.harness;

import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Two runs of the same machine: what moved by more than both runs scatter. */
public final class Comparison {
    /** Medians of rounds move by this much from one run to the next on a quiet machine. */
    private static final double FLOOR = 0.02;

    private Comparison() {
    }

    /** Prints the rows that moved, or that none did. */
    public static void print(Report before, Report after, PrintWriter out) {
        otherMachine(before.machine(), after.machine(), out);
        int moved = 0;
        for (Result now : after.results()) {
            for (Result then : before.results()) {
                if (!now.missing() && !then.missing() && now.suite().equals(then.suite())
                        && now.workload().equals(then.workload()) && now.contender().equals(then.contender()) && moved(then, now)) {
                    moved++;
                    out.printf("%s %s %s: %.3f -> %.3f ms (%+.1f%%)%n", now.suite(), now.workload(), now.contender(),
                            then.medianMillis(), now.medianMillis(), 100 * (now.medianMillis() / then.medianMillis() - 1));
                }
            }
        }
        out.println(moved == 0 ? "nothing moved beyond the noise" : moved + " rows moved");
        out.flush();
    }

    /** Times of two machines say nothing about the code: names what differs, and what to do. */
    private static void otherMachine(Map<String, String> then, Map<String, String> now, PrintWriter out) {
        for (String fact : List.of("processor", "cores", "java")) {
            if (!Objects.equals(then.get(fact), now.get(fact))) {
                out.printf("the stored run had another %s (%s, now %s): make a new one here with the old code before trusting what "
                        + "follows%n",
                        fact, then.get(fact), now.get(fact));
            }
        }
    }

    /** Whether the rounds' middle halves do not touch and the medians differ by more than the floor. */
    static boolean moved(Result then, Result now) {
        double change = Math.abs(now.medianMillis() / then.medianMillis() - 1);
        double[] a = Result.array(then.roundMillis());
        double[] b = Result.array(now.roundMillis());
        boolean apart = Statistics.quantile(a, 0.75) < Statistics.quantile(b, 0.25)
                || Statistics.quantile(b, 0.75) < Statistics.quantile(a, 0.25);
        return change > FLOOR && apart;
    }
}
