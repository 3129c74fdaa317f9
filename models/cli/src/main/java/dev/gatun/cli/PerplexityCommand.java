package dev.gatun.cli;

import dev.gatun.models.io.Utf8Lines;
import dev.gatun.models.task.language.LanguageModel;
import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How well a language model predicts a text. */
@Command(name = "perplexity", mixinStandardHelpOptions = true, sortOptions = false,
        description = "The perplexity of a text, which is read as one stream, and how many tokens were predicted.")
final class PerplexityCommand implements Callable<Integer> {
    @Mixin
    LanguageOptions options;

    @Option(names = "--input", required = true, paramLabel = "FILE", description = "UTF-8 text; - is standard input.")
    String input;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        String text = Utf8Lines.whole(input);
        try (LanguageModel language = options.load()) {
            LanguageModel.Score score = language.perplexity(text);
            spec.commandLine().getOut().printf(Locale.ROOT, "%.6g\t%d tokens%n", score.perplexity(), score.tokens());
        }
        return 0;
    }
}
