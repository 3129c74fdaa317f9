package dev.gatun.cli;

import dev.gatun.models.io.Utf8Lines;
import dev.gatun.models.task.language.LanguageModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How well a language model predicts a text. */
@Command(name = "perplexity", mixinStandardHelpOptions = true, sortOptions = false,
        description = "The perplexity of a text, which is read as one stream, and how many tokens were predicted.")
final class PerplexityCommand implements Callable<Integer> {
    @Option(names = "--model", paramLabel = "DIR", description = "A folder with config.json (architecture rnn-language-model), "
            + "model.safetensors and vocabulary.json. Default: the small model of characters that ships with Gatun.")
    Path model;

    @Option(names = "--input", required = true, paramLabel = "FILE", description = "UTF-8 text; - is standard input.")
    String input;

    @Option(names = "--threads", paramLabel = "N", description = "Cores to use. Default: all that the container may use.")
    int threads = Runtime.getRuntime().availableProcessors();

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        String text = Utf8Lines.whole(input);
        try (LanguageModel language = load(model, threads)) {
            LanguageModel.Score score = language.perplexity(text);
            spec.commandLine().getOut().printf(Locale.ROOT, "%.6g\t%d tokens%n", score.perplexity(), score.tokens());
        }
        return 0;
    }

    static LanguageModel load(Path model, int threads) {
        return model == null ? LanguageModel.load(threads) : LanguageModel.load(model, threads);
    }
}
