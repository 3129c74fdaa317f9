package dev.gatun.models.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Resident memory of a JVM of its own over the course of some work, of which it reports forty times. */
public final class ResidentMemory {
    private static final int REPORTS = 40;

    private ResidentMemory() {
    }

    /** In the child: one report. */
    public static void print() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
            System.out.println("resident " + lines.filter(line -> line.startsWith("VmRSS:")).findFirst().orElseThrow()
                    .replaceAll("\\D", ""));
        }
    }

    /**
     * KiB at each report of a main class; its heap is all resident from the start, so what grows is native. The compiler that needs tens of
     * megabytes for itself, at a time that depends on how busy the machine is, is left out.
     */
    public static List<Long> series(Class<?> main, String work) throws Exception {
        ChildJvm.Result result = ChildJvm.run(List.of("--enable-native-access=ALL-UNNAMED", "-Xms128m", "-Xmx128m",
                "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", ChildJvm.classPath(), main.getName(), work));
        assertEquals(0, result.exitCode(), result.output());
        List<Long> series = result.output().lines().filter(line -> line.startsWith("resident "))
                .map(line -> Long.parseLong(line.substring("resident ".length()))).toList();
        assertEquals(REPORTS, series.size());
        return series;
    }

    /** Compares the last quarter with what a quarter of the work took. */
    public static void assertFlat(List<Long> series, long megabytes) {
        long warm = series.get(REPORTS / 4 - 1);
        long end = series.subList(REPORTS * 3 / 4, REPORTS).stream().mapToLong(Long::longValue).max().orElseThrow();
        assertTrue(end <= warm + (megabytes << 10), "resident memory grew from " + warm + " KiB to " + end + ": " + series);
    }
}
