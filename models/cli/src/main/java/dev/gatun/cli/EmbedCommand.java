package dev.gatun.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.Embeddings;
import dev.gatun.models.io.NpyWriter;
import dev.gatun.models.io.Utf8Lines;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Lines of text to rows of a {@code .npy} file. */
@Command(name = "embed", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Embed texts, one a line, into a float32 .npy of [lines, dModel]. An empty line is an empty "
                + "text, so that rows match lines. Progress goes to standard error.")
final class EmbedCommand implements Callable<Integer> {
    @Mixin
    ModelOptions options;

    @Option(names = "--input", required = true, paramLabel = "FILE", description = "UTF-8 text, one a line; - is standard input.")
    String input;

    @Option(names = "--output", required = true, paramLabel = "OUT.npy", description = "Where the vectors go.")
    Path output;

    @Option(names = "--batch", paramLabel = "N", description = "Texts that are read and embedded together. Default: ${DEFAULT-VALUE}.")
    int batch = 1024;

    @Option(names = "--json", description = "Print one line of statistics on standard output.")
    boolean json;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    private long texts;
    private long tokens;
    private long truncated;
    private double seconds;

    @Override
    public Integer call() throws IOException {
        if (batch < 1) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--batch must be 1 or more, not " + batch);
        }
        long loadStart = System.nanoTime();
        try (EmbeddingModel model = options.load()) {
            double loadSeconds = (System.nanoTime() - loadStart) * 1e-9;
            Progress progress = new Progress(spec.commandLine().getErr(), "texts");
            try (Utf8Lines lines = Utf8Lines.open(input); NpyWriter npy = NpyWriter.create(output, model.dimension())) {
                List<String> pending = new ArrayList<>();
                for (String line = lines.next(); line != null; line = lines.next()) {
                    pending.add(line);
                    if (pending.size() == batch) {
                        embed(model, pending, npy, progress);
                    }
                }
                embed(model, pending, npy, progress);
                npy.finish();
            }
            progress.finish();
            if (truncated > 0) {
                spec.commandLine().getErr().println(truncated + " texts were longer than the model's positions and were cut");
            }
            if (json) {
                print(model, loadSeconds);
            }
        }
        return 0;
    }

    private void embed(EmbeddingModel model, List<String> pending, NpyWriter npy, Progress progress) throws IOException {
        if (pending.isEmpty()) {
            return;
        }
        long start = System.nanoTime();
        try (Embeddings embeddings = model.embed(pending)) {
            seconds += (System.nanoTime() - start) * 1e-9;
            npy.write(embeddings.vectors(), embeddings.size());
            tokens += embeddings.tokens();
            for (int i = 0; i < embeddings.size(); i++) {
                truncated += embeddings.truncated(i) ? 1 : 0;
            }
        }
        texts += pending.size();
        progress.add(pending.size());
        pending.clear();
    }

    private void print(EmbeddingModel model, double loadSeconds) throws IOException {
        Map<String, Object> statistics = new LinkedHashMap<>();
        statistics.put("texts", texts);
        statistics.put("tokens", tokens);
        statistics.put("truncated", truncated);
        statistics.put("dimension", model.dimension());
        statistics.put("threads", options.threads);
        statistics.put("loadSeconds", loadSeconds);
        statistics.put("seconds", seconds);
        statistics.put("textsPerSecond", seconds == 0 ? 0 : texts / seconds);
        statistics.put("tokensPerSecond", seconds == 0 ? 0 : tokens / seconds);
        statistics.put("nativeBytes", model.nativeByteSize());
        spec.commandLine().getOut().println(new ObjectMapper().writeValueAsString(statistics));
    }
}
