package dev.gatun.bench.harness;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.onednn.OneDnn;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The results of a run and the machine they were made on; stored as JSON.
 *
 * @param machine facts that explain the numbers
 * @param results rows
 */
public record Report(Map<String, String> machine, List<Result> results) {
    private static final ObjectMapper JSON = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    /** The results, with what this machine is. */
    public static Report of(List<Result> results) {
        Map<String, String> machine = new LinkedHashMap<>();
        machine.put("processor", processor());
        machine.put("cores", Integer.toString(Runtime.getRuntime().availableProcessors()));
        machine.put("oneDNN", OneDnn.version() + ", " + OneDnn.cpuIsa());
        machine.put("libgatun", Kernels.isa());
        machine.put("java", Runtime.version().toString());
        machine.put("system", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        return new Report(machine, List.copyOf(results));
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

    /** Reads a stored run. */
    public static Report read(Path file) throws IOException {
        return JSON.readValue(file.toFile(), Report.class);
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
        out.printf("%-10s %-34s %-14s %10s %10s %22s %12s %8s %8s%n", "suite", "workload", "contender", "median ms", "p99 ms",
                "theirs/ours (p10-p90)", "per second", "start s", "RSS MB");
        for (Result r : results) {
            if (r.missing()) {
                out.printf("%-10s %-34s %-14s missing: %s%n", r.suite(), r.workload(), r.contender(), r.version());
                continue;
            }
            String ratio = r.ratios().isEmpty() ? "" : String.format("%.2f (%.2f-%.2f)", r.medianRatio(), r.ratio(0.1), r.ratio(0.9));
            out.printf("%-10s %-34s %-14s %10.3f %10.3f %22s %12.1f %8.2f %8.0f%n", r.suite(), r.workload(), r.contender(),
                    r.medianMillis(), r.p99Millis(), ratio, r.perSecond(), r.startSeconds(), r.residentMegabytes());
        }
        out.flush();
    }
}
