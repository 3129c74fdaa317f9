package dev.gatun.bench.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** A run as one page without scripts or other files: plots as inline SVG, then the table. */
public final class HtmlReport {
    private static final String STYLE = """
            body{font:15px/1.45 system-ui,sans-serif;color:#222;background:#fff;max-width:1080px;margin:2em auto;padding:0 1em}
            h1{font-size:1.7em;margin-bottom:.2em}h2{margin-top:2em;border-bottom:1px solid #ddd}h3{margin-bottom:.2em;font-size:1em}
            table{border-collapse:collapse;font-size:13px}td,th{padding:3px 10px;border-bottom:1px solid #eee;text-align:right}
            td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}.ours{background:#f1f7ff}.note{color:#666}
            svg{font:12px system-ui,sans-serif;display:block;margin:.3em 0 1em}
            dl{display:grid;grid-template-columns:max-content auto;gap:2px 1.2em;font-size:13px}dt{color:#666}dd{margin:0}
            """;

    private final Report report;
    private final Palette palette = new Palette();
    private final StringBuilder html = new StringBuilder();

    private HtmlReport(Report report) {
        this.report = report;
    }

    /** Writes the page. */
    public static void write(Report report, Path file) throws IOException {
        HtmlReport page = new HtmlReport(report);
        page.head();
        Map<String, Map<String, List<Result>>> suites = new LinkedHashMap<>();
        for (Result r : report.results()) {
            suites.computeIfAbsent(r.suite(), k -> new LinkedHashMap<>())
                    .computeIfAbsent(r.workload(), k -> new java.util.ArrayList<>()).add(r);
        }
        suites.forEach(page::suite);
        page.html.append("</body></html>\n");
        Files.createDirectories(file.toAbsolutePath().getParent());
        Files.writeString(file, page.html);
    }

    private void head() {
        html.append("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Gatun benchmarks</title><style>")
                .append(STYLE).append("</style></head><body><h1>Gatun benchmarks</h1><p class=\"note\">Every contender in a process of its "
                + "own, turn by turn, outputs compared before timing. Whiskers: 10th to 90th percentile of the turns.</p><dl>");
        report.machine().forEach((name, value) -> fact(name, value));
        if (report.limits() != null) {
            report.limits().forEach((name, value) -> fact(name, String.format("%.1f", value)));
        }
        html.append("</dl>\n");
    }

    private void fact(String name, String value) {
        html.append("<dt>").append(SvgBars.escape(name)).append("</dt><dd>").append(SvgBars.escape(value)).append("</dd>");
    }

    private void suite(String name, Map<String, List<Result>> workloads) {
        html.append("<h2>").append(SvgBars.escape(name)).append("</h2>\n");
        boolean flops = workloads.values().iterator().next().getFirst().unit().equals("FLOP");
        String unit = flops ? "GFLOP/s" : workloads.values().iterator().next().getFirst().unit() + " per second";
        double scale = flops ? 1e-9 : 1;
        plot("Throughput, " + unit + " (longer is better)", workloads, r -> r.perSecond() * scale, true);
        if (flops) {
            plot("Share of the multiply-add peak of these threads at the clock under this work, %", workloads, r ->
                    100 * report.shareOfPeak(r), false);
        }
        plot("Median latency, ms (shorter is better); the thin line reaches to the 99th percentile", workloads, Result::medianMillis,
                false);
        Map<String, List<Result>> last = new LinkedHashMap<>();
        workloads.forEach((workload, results) -> {
            last.clear();
            last.put(workload, results);
        });
        plot("From the start of the JVM to the first result, s", last, r -> r.memory().startSeconds(), false);
        plot("Resident memory after the first result, MB", last, r -> r.memory().loadedMegabytes(), false);
        plot("Resident memory after the whole run, MB", last, r -> r.memory().lastMegabytes(), false);
        plot("Native libraries on disk, MB", last, r -> r.memory().libraryMegabytes(), false);
        last.values().forEach(this::memory);
        workloads.values().forEach(this::loads);
        for (String parameter : List.of("batch", "seqLen")) {
            series(workloads, parameter, unit, scale);
        }
        table(workloads);
    }

    private void plot(String title, Map<String, List<Result>> workloads, ToDoubleFunction<Result> value, boolean spread) {
        SvgBars bars = new SvgBars(palette);
        boolean latency = title.startsWith("Median latency");
        workloads.forEach((workload, results) -> {
            bars.group(workload);
            for (Result r : results) {
                double v = r.missing() ? Double.NaN : value.applyAsDouble(r);
                double low = spread && !r.missing() ? v * r.medianMillis() / quantile(r, 0.9) : v;
                double high = spread && !r.missing() ? v * r.medianMillis() / quantile(r, 0.1) : v;
                bars.bar(r.contender(), v, low, latency && !r.missing() ? Math.max(v, r.p99Millis()) : high);
            }
        });
        html.append("<h3>").append(SvgBars.escape(title)).append("</h3>\n").append(bars.svg());
    }

    /** Whether memory grows with requests. */
    private void memory(List<Result> results) {
        SvgLines lines = new SvgLines("Resident memory over time, MB: " + results.getFirst().workload(), "turn", palette);
        for (Result r : results) {
            if (!r.missing()) {
                lines.point(r.contender(), 0, "start", r.memory().loadedMegabytes());
                for (int i = 0; i < r.memory().residentMegabytes().size(); i++) {
                    lines.point(r.contender(), i + 1, Integer.toString(i + 1), r.memory().residentMegabytes().get(i));
                }
            }
        }
        html.append(lines.svg());
    }

    /** Latencies of requests that come at random. */
    private void loads(List<Result> results) {
        List<Result> served = results.stream().filter(r -> !r.loads().isEmpty()).toList();
        for (int i = 0; !served.isEmpty() && i < served.getFirst().loads().size(); i++) {
            SvgLines lines = new SvgLines(String.format("Latency under load, ms: %s, %.1f requests a second", served.getFirst().workload(),
                    served.getFirst().loads().get(i).rate()), "percentile of requests", palette);
            for (Result r : served) {
                for (int j = 0; j < Result.Load.PERCENTILES.length; j++) {
                    lines.point(r.contender(), j, String.format("%s%%", SvgBars.number(100 * Result.Load.PERCENTILES[j])),
                            r.loads().get(i).millis().get(j));
                }
            }
            html.append(lines.svg());
        }
    }

    /** Throughput over a parameter, where three workloads or more differ in nothing else. */
    private void series(Map<String, List<Result>> workloads, String parameter, String unit, double scale) {
        Map<Map<String, Integer>, List<Result>> groups = new LinkedHashMap<>();
        workloads.values().forEach(results -> results.forEach(r -> {
            Map<String, Integer> others = new java.util.TreeMap<>(r.parameters());
            others.remove("load");
            if (others.remove(parameter) != null && !r.missing()) {
                groups.computeIfAbsent(others, k -> new java.util.ArrayList<>()).add(r);
            }
        }));
        groups.forEach((others, results) -> {
            if (results.stream().map(r -> r.parameters().get(parameter)).distinct().count() >= 3) {
                SvgLines lines = new SvgLines(unit + " by " + parameter + ": " + results.getFirst().workload().replaceAll(",.*", "")
                        + " and its like, "
                        + others.getOrDefault("threads", 1) + " threads", parameter, palette);
                results.stream().sorted(java.util.Comparator.comparing(r -> r.parameters().get(parameter))).forEach(r -> {
                    int x = r.parameters().get(parameter);
                    lines.point(r.contender(), x, Integer.toString(x), r.perSecond() * scale);
                });
                html.append(lines.svg());
            }
        });
    }

    private static double quantile(Result r, double p) {
        return Statistics.quantile(Result.array(r.roundMillis()), p);
    }

    private void table(Map<String, List<Result>> workloads) {
        html.append("<table><tr><th>workload</th><th>contender</th><th>median ms</th><th>p99 ms</th><th>theirs / ours (p10&ndash;p90)</th>"
                + "<th>throughput</th><th>difference</th></tr>\n");
        workloads.values().forEach(results -> results.forEach(r -> {
            html.append(r.ratios().isEmpty() && !r.missing() ? "<tr class=\"ours\"><td>" : "<tr><td>").append(SvgBars.escape(r.workload()))
                    .append("</td><td title=\"").append(SvgBars.escape(r.version())).append("\">").append(SvgBars.escape(r.contender()));
            if (r.missing()) {
                html.append("</td><td colspan=\"5\">missing: ").append(SvgBars.escape(r.version())).append("</td></tr>\n");
                return;
            }
            String ratio = r.ratios().isEmpty() ? "" : String.format("%.2f (%.2f&ndash;%.2f)", r.medianRatio(), r.ratio(0.1), r.ratio(0.9));
            html.append(String.format("</td><td>%.3f</td><td>%.3f</td><td>%s</td><td>%s</td><td>%.1e</td></tr>%n",
                    r.medianMillis(), r.p99Millis(), ratio, report.throughput(r), r.difference()));
        }));
        html.append("</table>\n");
    }
}
