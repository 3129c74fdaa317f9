package dev.gatun.cli;

import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.Embeddings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What {@code make run} shows: questions answered by semantic search over a text inside the jar. */
@Command(name = "demo", mixinStandardHelpOptions = true,
        description = "Answer a few questions by semantic search over the United States Constitution.")
final class DemoCommand implements Callable<Integer> {
    private static final String TEXT = "/dev/gatun/cli/demo/constitution.txt";
    private static final List<String> QUESTIONS = List.of(
            "How old must a president be?",
            "Who has the power to declare war?",
            "May the police search my house?",
            "Can someone be tried twice for the same crime?",
            "How can amendments be made?");

    @Mixin
    ModelOptions options;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        List<String> passages = passages();
        try (EmbeddingModel model = options.load()) {
            // The first pass compiles; what is timed is what a service would see.
            model.embed(passages).close();
            long start = System.nanoTime();
            try (Embeddings vectors = model.embed(passages); Embeddings questions = model.embed(QUESTIONS)) {
                double seconds = (System.nanoTime() - start) * 1e-9;
                for (int q = 0; q < QUESTIONS.size(); q++) {
                    out.println("? " + QUESTIONS.get(q));
                    for (Ranking.Hit hit : Ranking.best(questions, q, vectors, 2)) {
                        out.printf(Locale.ROOT, "  %.3f  %s%n", hit.score(), passages.get(hit.row()));
                    }
                }
                out.printf(Locale.ROOT, "%n%d passages, %d tokens, embedded in %.3f s with %d threads: %.0f texts/s, %.0f tokens/s, %.1f "
                        + "MB native memory%n",
                        passages.size(), vectors.tokens(), seconds, options.threads, passages.size() / seconds,
                        vectors.tokens() / seconds, model.nativeByteSize() / 1e6);
            }
        }
        return 0;
    }

    private static List<String> passages() throws IOException {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(DemoCommand.class.getResourceAsStream(TEXT), TEXT), StandardCharsets.UTF_8))) {
            return reader.lines().filter(line -> !line.isBlank()).toList();
        }
    }
}
