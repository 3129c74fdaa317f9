package dev.gatun.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.io.Utf8Lines;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.Embeddings;
import dev.gatun.models.task.embed.ImageTextModel;
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

/** Lines of text, or pictures, to rows of a {@code .npy} file. */
@Command(name = "embed", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Embed texts, one a line, into a float32 .npy of [lines, dimension], or JSON lines with text and vector. An empty "
                + "line is an empty text, so that rows match lines. A file of any size is embedded without holding it. Progress goes to "
                + "standard error.")
final class EmbedCommand implements Callable<Integer> {
    /** Relative squared distance of vectors that differ by rounding only. */
    private static final double SAME = 1e-6;

    @Mixin
    ModelOptions options;

    @Option(names = "--input", paramLabel = "FILE", description = "UTF-8 text, one a line; - is standard input.")
    String input;

    @Option(names = "--pictures", arity = "1..*", paramLabel = "PICTURE",
            description = "Instead of texts pictures, folders of pictures, or globs, with a model of pictures and texts (CLIP, SigLIP): "
                    + "both have vectors of one space. One that cannot be read is reported and has NaN; then the exit code is 1.")
    List<String> pictures = List.of();

    @Option(names = "--output", required = true, paramLabel = "OUT.npy|OUT.jsonl", description = "Where the vectors go.")
    Path output;

    @Option(names = "--batch", converter = Least.One.class, paramLabel = "N",
            description = "Texts that are read and embedded together. Default: ${DEFAULT-VALUE}.")
    int batch = 1024;

    @Option(names = "--resume", description = "Go on where an interrupted run of the same command stopped, and leave what is done in "
            + "OUTPUT.part if this one is interrupted.")
    boolean resume;

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
        if ((input == null) == pictures.isEmpty() || resume && input == null) {
            throw new CommandLine.ParameterException(spec.commandLine(), resume && input == null ? "--resume is for texts, with --input"
                    : "name an --input of texts, or --pictures (not both)");
        }
        if (input == null) {
            return pictures();
        }
        long loadStart = System.nanoTime();
        try (EmbeddingModel model = options.load()) {
            double loadSeconds = (System.nanoTime() - loadStart) * 1e-9;
            Progress progress = new Progress(spec.commandLine().getErr(), "texts");
            try (Utf8Lines lines = Utf8Lines.open(input); VectorFile file = VectorFile.open(output, model.dimension(), resume);
                    Cleanup _ = new Cleanup(file::close)) {
                skip(model, lines, file);
                List<String> pending = new ArrayList<>();
                for (String line = lines.next(); line != null; line = lines.next()) {
                    pending.add(line);
                    if (pending.size() == batch) {
                        embed(model, pending, file, progress);
                    }
                }
                embed(model, pending, file, progress);
                file.finish();
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

    private int pictures() throws IOException {
        List<Path> files = PictureFiles.find(pictures);
        int bad = 0;
        try (ImageTextModel model = ImageTextModel.load(options.model, options.checked());
                VectorFile file = VectorFile.open(output, model.dimension(), false); Cleanup _ = new Cleanup(file::close)) {
            Progress progress = new Progress(spec.commandLine().getErr(), "pictures");
            for (int from = 0; from < files.size(); from += batch) {
                for (ImageTextModel.PictureVector one : model.embed(files.subList(from, Math.min(from + batch, files.size())), done -> {
                    synchronized (progress) {
                        progress.add(1);
                    }
                })) {
                    if (one.error() != null) {
                        bad++;
                        spec.commandLine().getErr().println("gatun: " + one.error());
                    }
                    file.write(one.picture().toString(), one.vector(), model.dimension());
                }
            }
            file.finish();
            progress.finish();
        }
        if (bad > 0) {
            spec.commandLine().getErr().println(bad + " of " + files.size() + " pictures could not be read");
        }
        return bad == 0 ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }

    /** Lines whose vectors are there already; the last of them must be what this model makes of it. */
    private void skip(EmbeddingModel model, Utf8Lines lines, VectorFile file) throws IOException {
        String line = null;
        for (long i = 0; i < file.rows(); i++) {
            line = lines.next();
            if (line == null) {
                throw new IOException(output + ".part has " + file.rows() + " vectors, " + input + " has only " + i
                        + " lines: it is of another input; "
                        + "delete it or leave --resume out");
            }
        }
        if (line == null) {
            return;
        }
        float[] last = file.last();
        try (Embeddings again = model.embed(line)) {
            float[] expected = again.toFloats(0);
            double distance = last.length == expected.length ? 0 : Double.POSITIVE_INFINITY;
            double length = 0;
            for (int i = 0; i < expected.length && distance != Double.POSITIVE_INFINITY; i++) {
                distance += (double) (expected[i] - last[i]) * (expected[i] - last[i]);
                length += (double) expected[i] * expected[i];
            }
            if (!(distance <= length * SAME)) {
                throw new IOException(output + ".part: its last vector is not what this model makes of line " + file.rows() + " of " + input
                        + ": it is of another model, other options or another input; delete it or leave --resume out");
            }
        }
        spec.commandLine().getErr().println(file.rows() + " texts are done already");
    }

    private void embed(EmbeddingModel model, List<String> pending, VectorFile file, Progress progress) throws IOException {
        if (pending.isEmpty()) {
            return;
        }
        long start = System.nanoTime();
        try (Embeddings embeddings = model.embed(pending)) {
            seconds += (System.nanoTime() - start) * 1e-9;
            file.write(pending, embeddings);
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
