package dev.gatun.cli;

import dev.gatun.models.task.text.TokenTagger;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Names and other parts of texts. */
@Command(name = "tag", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Print the parts of each text that a model knows, as names of people and places: line, from and to in UTF-16 units, "
                + "label, "
                + "score, text.")
final class TagCommand implements Callable<Integer> {
    @Mixin
    TaskOptions options;

    @Mixin
    LineOptions lines;

    @Option(names = "--aggregation", paramLabel = "KIND", description = "What becomes of the labels of tokens: ${COMPLETION-CANDIDATES}. "
            + "Default: ${DEFAULT-VALUE}.")
    TokenTagger.Aggregation aggregation = TokenTagger.Aggregation.SIMPLE;

    @Override
    public Integer call() throws IOException {
        try (TokenTagger tagger = TokenTagger.load(options.model, options.checked())) {
            lines.each(options, (texts, first) -> {
                List<List<TokenTagger.Tag>> found = tagger.tag(texts, aggregation);
                for (int i = 0; i < texts.size(); i++) {
                    if (options.json) {
                        options.print("text", texts.get(i), "tags", found.get(i));
                        continue;
                    }
                    for (TokenTagger.Tag tag : found.get(i)) {
                        options.out().printf(Locale.ROOT, "%d\t%d-%d\t%s\t%.4f\t%s%n", first + i, tag.start(), tag.end(), tag.label(),
                                tag.score(),
                                tag.text());
                    }
                }
            });
        }
        return 0;
    }
}
