package dev.gatun.cli;

import dev.gatun.models.catalog.Graphs;
import dev.gatun.models.catalog.ServedFamilies;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.InspectReport;
import java.io.PrintWriter;
import java.nio.file.Path;
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

    @Option(names = "--graph", description = "Print the graphs that are computed, instead.")
    boolean graph;

    @Option(names = "--after", paramLabel = "PASS",
            description = "With --graph: after this pass and those before it, such as fuse-activation.")
    String after;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() {
        if (graph || after != null) {
            Graphs.text(Checkpoint.open(path), after).forEach(spec.commandLine().getOut()::print);
            spec.commandLine().getOut().flush();
            return CommandLine.ExitCode.OK;
        }
        InspectReport report = ServedFamilies.ALL.describe(Checkpoint.open(path));
        PrintWriter out = spec.commandLine().getOut();
        out.print(json ? report.json() + System.lineSeparator() : report.text());
        out.flush();
        return report.family() != null ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }
}
