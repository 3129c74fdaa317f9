package dev.gatun.bench.harness;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.kernels.Limits;
import dev.gatun.bindings.onednn.OneDnn;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The results of a run and the machine they were made on; stored as JSON.
 *
 * @param machine facts that explain the numbers
 * @param limits  what it can do at most, measured before the run
 * @param results rows
 */
public record Report(Map<String, String> machine, Map<String, Double> limits, List<Result> results) {
    /** Unit of what multiply-adds limit. */
    static final String FLOP = "FLOP";
    /** Key of {@link #limits}: GFLOP/s of one thread. */
    private static final String PEAK = "FMA peak GFLOP/s, threads ";
    /** Key of {@link #limits}: GB/s. */
    private static final String READ = "read GB/s, threads ";

    /** Far more than the last cache. */
    private static final long BANDWIDTH_BYTES = 512L << 20;
    private static final ObjectMapper JSON = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    /** What this machine can do at best, by one thread and by two: multiply-adds in registers, reading of memory. */
    public static Map<String, Double> measureLimits() {
        Map<String, Double> limits = new LinkedHashMap<>();
        int threads = Kernels.maxThreads();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment floats = arena.allocate(BANDWIDTH_BYTES, 64).fill((byte) 0);
            for (int n : new int[] {1, 2}) {
                Kernels.setThreads(n);
                limits.put(PEAK + n, Limits.fmaPeak(0.5));
                limits.put(READ + n, Limits.readBandwidth(floats, 0.5));
                limits.put("triad GB/s, threads " + n, Limits.triadBandwidth(floats, 0.5));
            }
        } finally {
            Kernels.setThreads(threads);
        }
        return limits;
    }

    /** Which share of the multiply-add peak a row reached; NaN if it is not counted in FLOP. */
    public double shareOfPeak(Result r) {
        return r.unit().equals(FLOP) ? r.perSecond() / (r.peak() > 0 ? r.peak() : limit(PEAK, r) * 1e9) : Double.NaN;
    }

    /** Which share of the speed of reading memory a row reached; NaN where that does not decide. */
    public double shareOfBandwidth(Result r) {
        return r.bytesPerItem() > 0 ? r.perSecond() * r.bytesPerItem() * 1e-9 / limit(READ, r) : Double.NaN;
    }

    private double limit(String key, Result r) {
        return limits == null ? Double.NaN : limits.getOrDefault(key + r.parameters().getOrDefault("threads", 1), Double.NaN);
    }

    /** The results, with what this machine is. */
    public static Report of(Map<String, Double> limits, List<Result> results) {
        Map<String, String> machine = new LinkedHashMap<>();
        machine.put("processor", processor());
        machine.put("cores", Integer.toString(Runtime.getRuntime().availableProcessors()));
        machine.put("oneDNN", OneDnn.version() + ", " + OneDnn.cpuIsa());
        machine.put("libgatun", Kernels.isa());
        machine.put("java", Runtime.version().toString());
        machine.put("system", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        return new Report(machine, limits, List.copyOf(results));
    }

    private static String processor() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
                if (line.startsWith("model name")) {
                    return line.substring(line.indexOf(':') + 1).strip();
                }
            }
        } catch (IOException e) {
            // Not Linux: the architecture has to do.
        }
        return System.getProperty("os.arch");
    }

    /** Reads a stored run. Throws IOException, which says what to do, for a file that is none. */
    public static Report read(Path file) throws IOException {
        try {
            Report report = JSON.readValue(file.toFile(), Report.class);
            if (report != null && report.machine != null && report.results != null) {
                return report;
            }
        } catch (IOException e) {
            throw new IOException(file + " is not a run of this version of bench: make one with --json and compare with that", e);
        }
        throw new IOException(file + " has no machine or no results: make a run with --json and compare with that");
    }

    /** Stores this run. */
    public void write(Path file) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        Files.createDirectories(folder);
        JSON.writeValue(file.toFile(), this);
    }

    /** One line a row: medians, ratios with their spread, throughput, memory. */
    public void print(PrintWriter out) {
        machine.forEach((name, value) -> out.println(name + ": " + value));
        limits.forEach((name, value) -> out.printf("%s: %.1f%n", name, value));
        out.printf("%-10s %-36s %-15s %10s %10s %22s %24s %8s %8s %8s%n", "suite", "workload", "contender", "median ms", "p99 ms",
                "theirs/ours (p10-p90)", "throughput", "start s", "RSS MB", "libs MB");
        for (Result r : results) {
            if (r.missing()) {
                out.printf("%-10s %-36s %-15s missing: %s%n", r.suite(), r.workload(), r.contender(), r.version());
                continue;
            }
            String ratio = r.ratios().isEmpty() ? "" : String.format("%.2f (%.2f-%.2f)", r.medianRatio(), r.ratio(0.1), r.ratio(0.9));
            out.printf("%-10s %-36s %-15s %10.3f %10.3f %22s %24s %8.2f %8.0f %8.1f%n", r.suite(), r.workload(), r.contender(),
                    r.medianMillis(), r.p99Millis(), ratio, throughput(r), r.memory().startSeconds(), r.memory().lastMegabytes(),
                            r.memory().libraryMegabytes());
            r.loads().forEach(load -> out.printf("%64s at %.1f requests/s, ms: median %.1f, 90%% %.1f, 99%% %.1f, 99.9%% %.1f (%d "
                    + "requests)%n", "",
                    load.rate(), load.millis().get(0), load.millis().get(1), load.millis().get(2), load.millis().get(3), load.count()));
        }
        out.flush();
    }

    /** As {@code 812 texts/s} or {@code 101.2 GFLOP/s, 91%}. */
    String throughput(Result r) {
        double share = shareOfPeak(r);
        if (r.unit().equals(FLOP)) {
            return String.format("%.1f GFLOP/s", r.perSecond() * 1e-9)
                    + (Double.isNaN(share) ? "" : String.format(", %.0f%%", share * 100));
        }
        double read = shareOfBandwidth(r);
        return String.format(r.perSecond() < 100 ? "%.1f %s/s" : "%.0f %s/s", r.perSecond(), r.unit())
                + (Double.isNaN(read) ? "" : String.format(", %.0f%% of memory", read * 100));
    }
}
