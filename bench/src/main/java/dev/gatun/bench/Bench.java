package dev.gatun.bench;

import dev.gatun.bench.cnn.CnnSuite;
import dev.gatun.bench.cnn.Int8Suite;
import dev.gatun.bench.cnn.TrainingSuite;
import dev.gatun.bench.encoder.EncoderInt8Suite;
import dev.gatun.bench.encoder.EncoderSuite;
import dev.gatun.bench.encoder.FamiliesSuite;
import dev.gatun.bench.ffm.FfmSuite;
import dev.gatun.bench.gemm.GemmSuite;
import dev.gatun.bench.generation.GenerationSuite;
import dev.gatun.bench.generation.NarrowGenerationSuite;
import dev.gatun.bench.harness.Comparison;
import dev.gatun.bench.harness.HtmlReport;
import dev.gatun.bench.harness.Report;
import dev.gatun.bench.harness.Result;
import dev.gatun.bench.harness.Runner;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import dev.gatun.bench.kernels.KernelsSuite;
import dev.gatun.bench.onnx.OnnxSuite;
import dev.gatun.bench.recurrent.RecurrentSuite;
import dev.gatun.bench.service.ServiceSuite;
import dev.gatun.bench.texts.TextsSuite;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Compares Gatun with other engines on this machine. */
@Command(name = "bench", mixinStandardHelpOptions = true,
        description = "Time Gatun beside other engines: each in its own process, turn by turn, outputs compared first.")
public final class Bench implements Callable<Integer> {
    private static final List<Suite> SUITES = List.of(
            new EncoderSuite(), new EncoderInt8Suite(), new FamiliesSuite(), new TextsSuite(), new CnnSuite(), new Int8Suite(),
            new TrainingSuite(), new GenerationSuite(), new NarrowGenerationSuite(), new RecurrentSuite(), new GemmSuite(),
            new KernelsSuite(), new FfmSuite(), new OnnxSuite(), new ServiceSuite());

    @Option(names = "--quick", description = "Fewer workloads and contenders, shorter turns: about 25 minutes instead of hours.")
    boolean quick;

    @Option(names = "--filter", paramLabel = "TEXT", description = "Only suites and workloads whose name contains this.")
    String filter = "";

    @Option(names = "--threads", paramLabel = "N", description = "Only workloads with this number of threads.")
    Integer threads;

    @Option(names = "--list", description = "Print suites, workloads and contenders; measure nothing.")
    boolean list;

    @Option(names = "--forks", paramLabel = "N", description = "Sets of fresh processes for each workload.")
    Integer forks;

    @Option(names = "--rounds", paramLabel = "N", description = "Turns of each contender in a fork.")
    Integer rounds;

    @Option(names = "--json", paramLabel = "FILE", description = "Where the results are stored, after each workload.")
    Path json;

    @Option(names = "--html", paramLabel = "FILE", description = "Where a report with plots is written.")
    Path html;

    @Option(names = "--compare", paramLabel = "OLD.json", description = "Print what moved beyond the noise since a stored run.")
    Path base;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    /** The process. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new Bench()).execute(args));
    }

    /** The suite of this name. */
    public static Suite suite(String name) {
        return SUITES.stream().filter(s -> s.name().equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no suite " + name));
    }

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter progress = spec.commandLine().getErr();
        if (list) {
            list(out);
            return 0;
        }
        // Before minutes are spent.
        Report before = base == null ? null : Report.read(base);
        Runner runner = quick
                ? new Runner(forks == null ? 2 : forks, rounds == null ? 3 : rounds, 0.2, 0.4, 2, progress)
                : new Runner(forks == null ? 2 : forks, rounds == null ? 3 : rounds, 0.4, 0.8, 4, progress);
        List<Result> results = new ArrayList<>();
        Map<String, Double> limits = Report.measureLimits();
        long start = System.nanoTime();
        for (Suite suite : SUITES) {
            List<Workload> workloads = suite.workloads(quick);
            for (int i = 0; i < workloads.size(); i++) {
                if (chosen(suite, workloads.get(i))) {
                    results.addAll(runner.run(suite, i, quick));
                    progress.printf("  %d s since the start%n", (System.nanoTime() - start) / 1_000_000_000L);
                    // What was measured stays if what follows fails.
                    store(Report.of(limits, results));
                }
            }
        }
        Report report = Report.of(limits, results);
        report.print(out);
        store(report);
        if (html != null) {
            HtmlReport.write(report, html);
        }
        if (before != null) {
            Comparison.print(before, report, out);
        }
        return 0;
    }

    private void store(Report report) throws IOException {
        if (json != null) {
            report.write(json);
        }
    }

    private boolean chosen(Suite suite, Workload workload) {
        return (suite.name() + " " + workload.name()).contains(filter)
                && (threads == null || workload.parameters().getOrDefault("threads", 1).equals(threads));
    }

    private void list(PrintWriter out) {
        for (Suite suite : SUITES) {
            for (Workload workload : suite.workloads(quick)) {
                if (chosen(suite, workload)) {
                    out.printf("%-10s %-40s %s%n", suite.name(), workload.name(), String.join(", ", suite.contenders(workload)));
                }
            }
        }
        out.flush();
    }
}
