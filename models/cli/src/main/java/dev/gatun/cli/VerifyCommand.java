package dev.gatun.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.onnx.OnnxTestFolder;
import dev.gatun.models.onnx.OnnxTestFolder.Outcome;
import dev.gatun.models.onnx.OnnxTestFolder.Result;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs ONNX's own test layout. Exit code 1: not everything passed. */
@Command(name = "verify", mixinStandardHelpOptions = true,
        description = "Run ONNX models on the test data beside them: model.onnx and test_data_set_*/input_*.pb, output_*.pb. "
                + "A line for each folder: pass, fail with the worst difference, or unsupported with the operators that are missing.")
final class VerifyCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FOLDER", arity = "1..*", description = "A folder with a model.onnx, or a folder of such folders.")
    List<Path> folders;

    @Option(names = "--json", description = "Print one JSON object a line: name, result (pass, fail, unsupported), detail.")
    boolean json;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        ObjectMapper mapper = new ObjectMapper();
        int[] counts = new int[Result.values().length];
        for (Path folder : folders) {
            for (Path each : OnnxTestFolder.find(folder)) {
                Outcome outcome = OnnxTestFolder.verify(each);
                counts[outcome.result().ordinal()]++;
                String result = outcome.result().name().toLowerCase(Locale.ROOT);
                if (json) {
                    Map<String, String> line = new LinkedHashMap<>();
                    line.put("name", outcome.name());
                    line.put("result", result);
                    line.put("detail", outcome.detail());
                    out.println(mapper.writeValueAsString(line));
                } else {
                    out.println(outcome.name() + ": " + result + ", " + outcome.detail());
                }
            }
        }
        if (!json) {
            out.printf(Locale.ROOT, "%d pass, %d fail, %d unsupported%n", counts[0], counts[1], counts[2]);
        }
        out.flush();
        return counts[0] == counts[0] + counts[1] + counts[2] ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }
}
