package dev.gatun.cli;

import dev.gatun.models.catalog.Graphs;
import dev.gatun.models.catalog.ServedFamilies;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.InspectReport;
import dev.gatun.models.onnx.OnnxException;
import dev.gatun.models.onnx.OnnxModel;
import dev.gatun.models.onnx.OnnxSession;
import dev.gatun.models.onnx.OnnxTensor;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What a folder holds. Exit code 1: nothing serves it. */
@Command(name = "inspect", mixinStandardHelpOptions = true,
        description = "Say what a model's folder or file holds, what serves it, its sizes and memory, or what is missing.")
final class InspectCommand implements Callable<Integer> {
    @Parameters(paramLabel = "PATH", description = "A model's folder, or a file of weights.")
    Path path;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    @Option(names = "--graph", description = "Print the graphs that are computed, instead; of an .onnx file for the sizes of one run.")
    boolean graph;

    @Option(names = "--after", paramLabel = "PASS",
            description = "With --graph: after this pass and those before it, such as fuse-activation.")
    String after;

    @Option(names = "--size", paramLabel = "NAME=N",
            description = "Of an .onnx file: size of an open dimension, by name or INPUT:DIMENSION, of the run that shows the kernels.")
    Map<String, Long> sizes = new LinkedHashMap<>();

    @Option(names = "--precision", paramLabel = "bf16|f16|int8|auto",
            description = "Load a model of texts, or a recurrent network, so and say what became "
                    + "of each linear and recurrent layer, and what rounding its weights lost, instead.")
    String precision;

    private static final long TYPICAL = 32;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() {
        boolean file = path.toString().endsWith(".onnx") && java.nio.file.Files.isRegularFile(path);
        if (file && !json && precision == null) {
            return onnx();
        }
        if (graph || after != null) {
            Graphs.text(Checkpoint.open(path), after).forEach(spec.commandLine().getOut()::print);
            spec.commandLine().getOut().flush();
            return CommandLine.ExitCode.OK;
        }
        if (precision != null) {
            Graphs.narrowings(Checkpoint.open(path), PrecisionOption.parse(spec, precision)).forEach(each -> spec.commandLine().getOut()
                    .printf(Locale.ROOT, "%-4s  lost %.4f  %s (%s)%n", each.taken(), each.lost(), each.layer(), each.why()));
            spec.commandLine().getOut().flush();
            return CommandLine.ExitCode.OK;
        }
        InspectReport report = ServedFamilies.ALL.describe(Checkpoint.open(path));
        PrintWriter out = spec.commandLine().getOut();
        out.print(json ? report.json() + System.lineSeparator() : report.text());
        out.flush();
        return report.family() != null ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }

    /** Inputs, outputs, operators before and after fusion, and the kernels that a run over typical sizes takes. */
    private int onnx() {
        PrintWriter out = spec.commandLine().getOut();
        try (OnnxModel model = OnnxModel.load(path); OnnxSession session = model.newSession(); Arena arena = Arena.ofShared()) {
            boolean graphs = graph || after != null;
            if (!graphs) {
                model.inputs().forEach((name, i) -> out.println("input " + name + " " + i));
                model.outputs().forEach((name, o) -> out.println("output " + name + " " + o));
                out.println("operators " + counts(model.operators()));
                out.println("fused " + counts(model.fusedOperators()));
            }
            if (runs(session, OnnxInputs.random(model, arena, sizes, 1, TYPICAL))) {
                (graphs ? session.graphs(after) : session.describe()).forEach(line -> out.println(graphs ? line.stripTrailing()
                        : "  " + line));
            }
        }
        out.flush();
        return CommandLine.ExitCode.OK;
    }

    private boolean runs(OnnxSession session, Map<String, OnnxTensor> inputs) {
        try {
            session.run(inputs);
            return true;
        } catch (IllegalArgumentException | OnnxException e) {
            spec.commandLine().getOut().println("no kernels: random inputs of size " + TYPICAL + " do not fit, name others with --size: "
                    + e.getMessage());
            return false;
        }
    }

    private static String counts(Map<String, Integer> operators) {
        return operators.values().stream().mapToInt(i -> i).sum() + ": " + operators.entrySet().stream()
                .map(e -> e.getKey() + " " + e.getValue()).collect(java.util.stream.Collectors.joining(", "));
    }
}
