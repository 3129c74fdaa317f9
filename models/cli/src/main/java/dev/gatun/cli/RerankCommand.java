package dev.gatun.cli;

import dev.gatun.models.task.text.Reranker;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The lines of a file by how well they answer. */
@Command(name = "rerank", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Print the lines of a text by how well they answer a query, best first, with their scores, by a cross-encoder.")
final class RerankCommand implements Callable<Integer> {
    @Mixin
    TaskOptions options;

    @Option(names = "--corpus", required = true, paramLabel = "FILE", description = "UTF-8 text, one passage a line; - is standard input.")
    String corpus;

    @Option(names = "--top", converter = Least.One.class, paramLabel = "K", description = "How many lines. Default: all.")
    int top = Integer.MAX_VALUE;

    @Parameters(arity = "1..*", paramLabel = "QUERY", description = "What is looked for.")
    List<String> queries;

    @Override
    public Integer call() throws IOException {
        List<String> passages = SearchCommand.passages(corpus);
        try (Reranker reranker = Reranker.load(options.model, options.checked())) {
            Progress progress = new Progress(options.command.commandLine().getErr(), "passages");
            for (String query : queries) {
                List<Reranker.Ranked> ranked = reranker.rank(query, passages, top);
                progress.add(passages.size());
                print(query, ranked);
            }
            progress.finish();
        }
        return 0;
    }

    private void print(String query, List<Reranker.Ranked> ranked) throws IOException {
        if (options.json) {
            options.print("query", query, "ranked", ranked);
            return;
        }
        if (queries.size() > 1) {
            options.out().println("? " + query);
        }
        ranked.forEach(r -> options.out().printf(Locale.ROOT, "%.4f  %s%n", r.score(), r.document()));
    }
}
