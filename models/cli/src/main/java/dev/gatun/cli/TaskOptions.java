package dev.gatun.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.io.Utf8Lines;
import dev.gatun.models.task.text.TextOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** Options that every command with a task over texts has, and how it reads and prints. */
final class TaskOptions {
    private static final int BATCH = 1024;
    private static final ObjectMapper JSON = new ObjectMapper();

    @Option(names = "--model", required = true, paramLabel = "DIR",
            description = "A Hugging Face folder: config.json, model.safetensors, tokenizer.json.")
    Path model;

    @Option(names = "--threads", converter = Least.Cores.class, paramLabel = "N",
            description = "Cores to use. Default: all that the container may use.")
    int threads = ThreadCount.usual();

    @Option(names = "--max-tokens", converter = Least.Zero.class, paramLabel = "N",
            description = "Where texts are cut, or windows end. Default: as the folder says.")
    int maxTokens;

    @Option(names = "--precision", paramLabel = "f32|bf16|f16|int8|auto",
            description = "In what linear layers are kept and computed; auto: as the file has them. Default: ${DEFAULT-VALUE}.")
    String precision = "f32";

    @Option(names = "--json", description = "Print a line of JSON for each text instead.")
    boolean json;

    @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
    CommandLine.Model.CommandSpec command;

    /** What is done with some lines. */
    @FunctionalInterface
    interface Batch {
        void accept(List<String> lines, long firstLine) throws IOException;
    }

    /** The task's options; refuses wrong ones as misuse. */
    TextOptions checked() {
        return TextOptions.defaults().withThreads(threads).withMaxTokens(maxTokens)
                .withPrecision(PrecisionOption.parse(command, precision));
    }

    CommandLine.ParameterException misuse(String message) {
        return new CommandLine.ParameterException(command.commandLine(), message);
    }

    PrintWriter out() {
        return command.commandLine().getOut();
    }

    /** Hands out texts that are arguments, or the lines of a file, and tells of progress. */
    void eachBatch(List<String> texts, String input, Batch batch) throws IOException {
        if (texts != null && !texts.isEmpty()) {
            batch.accept(texts, 1);
            return;
        }
        Progress progress = new Progress(command.commandLine().getErr(), "texts");
        try (Utf8Lines lines = Utf8Lines.open(input)) {
            long first = 1;
            List<String> pending = new ArrayList<>();
            String line = lines.next();
            while (line != null) {
                pending.add(line);
                line = lines.next();
                if (pending.size() == BATCH || line == null) {
                    batch.accept(pending, first);
                    out().flush();
                    progress.add(pending.size());
                    first += pending.size();
                    pending = new ArrayList<>();
                }
            }
        }
        progress.finish();
    }

    /** What was asked, and the answers. */
    static String json(String asked, String text, String answers, Object found) throws IOException {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put(asked, text);
        line.put(answers, found);
        return JSON.writeValueAsString(line);
    }

    /** Prints a line of JSON. */
    void print(String asked, String text, String answers, Object found) throws IOException {
        out().println(json(asked, text, answers, found));
    }
}
