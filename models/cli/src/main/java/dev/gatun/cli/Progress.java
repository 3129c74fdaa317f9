package dev.gatun.cli;

import java.io.PrintWriter;
import java.util.Locale;

/** Progress on standard error: at most a line a second, and one at the end. */
final class Progress {
    private static final long INTERVAL_NANOS = 1_000_000_000L;

    private final PrintWriter err;
    private final String unit;
    private final long start = System.nanoTime();
    private long printed = start;
    private long done;

    Progress(PrintWriter err, String unit) {
        this.err = err;
        this.unit = unit;
    }

    void add(long count) {
        done += count;
        long now = System.nanoTime();
        if (now - printed >= INTERVAL_NANOS) {
            printed = now;
            print(now);
        }
    }

    void finish() {
        print(System.nanoTime());
    }

    private void print(long now) {
        double seconds = Math.max(1e-9, (now - start) * 1e-9);
        String what = done == 1 ? unit.replaceAll("s$", "") : unit;
        err.printf(Locale.ROOT, "%,d %s, %.1f s, %,.1f %s/s%n", done, what, seconds, done / seconds, unit);
        err.flush();
    }
}
