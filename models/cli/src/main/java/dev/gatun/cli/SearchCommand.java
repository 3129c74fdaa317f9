package dev.gatun.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.io.Utf8Lines;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.Embeddings;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Semantic search over the lines of a file. */
@Command(name = "search", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Print the lines of a text that are nearest in meaning to a query, best first, with their scores.")
final class SearchCommand implements Callable<Integer> {
    @Mixin
    ModelOptions options;

    @Option(names = "--corpus", required = true, paramLabel = "FILE", description = "UTF-8 text, one passage a line; - is standard input.")
    String corpus;

    @Option(names = "--top", converter = Least.One.class, paramLabel = "K", description = "How many lines. Default: ${DEFAULT-VALUE}.")
    int top = 5;

    @Option(names = "--json", description = "Print one JSON object a hit: query, score, passage (its number, from 1) and text.")
    boolean json;

    @Parameters(arity = "1..*", paramLabel = "QUERY", description = "What to look for.")
    List<String> queries;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        List<String> passages = passages(corpus);
        try (EmbeddingModel model = options.load()) {
            Progress progress = new Progress(spec.commandLine().getErr(), "passages");
            try (Embeddings vectors = model.embedDocuments(passages); Embeddings wanted = model.embedQueries(queries)) {
                progress.add(passages.size());
                progress.finish();
                for (int q = 0; q < queries.size(); q++) {
                    if (queries.size() > 1 && !json) {
                        spec.commandLine().getOut().println((q > 0 ? System.lineSeparator() : "") + "? " + queries.get(q));
                    }
                    for (Ranking.Hit hit : Ranking.best(wanted, q, vectors, top)) {
                        print(queries.get(q), hit, passages.get(hit.row()));
                    }
                }
            }
        }
        return 0;
    }

    private void print(String query, Ranking.Hit hit, String passage) throws IOException {
        if (!json) {
            spec.commandLine().getOut().printf(Locale.ROOT, "%.4f  %s%n", hit.score(), passage);
            return;
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("query", query);
        line.put("score", hit.score());
        line.put("passage", hit.row() + 1);
        line.put("text", passage);
        spec.commandLine().getOut().println(new ObjectMapper().writeValueAsString(line));
    }

    /** Lines that say something; blank ones separate passages. */
    static List<String> passages(String file) throws IOException {
        List<String> passages = new ArrayList<>();
        try (Utf8Lines lines = Utf8Lines.open(file)) {
            for (String line = lines.next(); line != null; line = lines.next()) {
                if (!line.isBlank()) {
                    passages.add(line.strip());
                }
            }
        }
        return passages;
    }
}
