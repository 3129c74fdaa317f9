package dev.gatun.cli;

import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Where a command's texts come from: arguments, a file, or standard input. */
final class LineOptions {
    @Option(names = "--input", paramLabel = "FILE",
            description = "UTF-8 text, one a line; - is standard input. Default: ${DEFAULT-VALUE}, unless "
            + "texts are arguments.")
    String input = "-";

    @Parameters(arity = "0..*", paramLabel = "TEXT", description = "Texts, instead of a file.")
    List<String> texts;

    void each(TaskOptions options, TaskOptions.Batch batch) throws IOException {
        options.eachBatch(texts, input, batch);
    }
}
