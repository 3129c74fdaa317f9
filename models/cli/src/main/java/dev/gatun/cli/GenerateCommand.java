package dev.gatun.cli;

import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.task.language.LanguageModel;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Texts that go on. */
@Command(name = "generate", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Continue a text by a language model: the most likely tokens, or drawn ones.")
final class GenerateCommand implements Callable<Integer> {
    @Parameters(paramLabel = "TEXT", description = "What to go on with.")
    String text;

    @Option(names = "--model", paramLabel = "DIR", description = "As of perplexity.")
    Path model;

    @Option(names = "--max-new-tokens", paramLabel = "N", description = "Tokens to add. Default: ${DEFAULT-VALUE}.")
    int maxNewTokens = 200;

    @Option(names = "--sample", description = "Draw tokens instead of taking the most likely.")
    boolean sample;

    @Option(names = "--temperature", paramLabel = "T", description = "Of --sample. Default: ${DEFAULT-VALUE}.")
    double temperature = 1;

    @Option(names = "--top-k", paramLabel = "K", description = "Draw from the K most likely only.")
    int topK;

    @Option(names = "--top-p", paramLabel = "P", description = "Draw from the most likely that have this probability together.")
    double topP = 1;

    @Option(names = "--seed", paramLabel = "N", description = "Of --sample. Default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(names = "--repetition-penalty", paramLabel = "X", description = "Above 1 makes tokens that occurred less likely.")
    double repetitionPenalty = 1;

    @Option(names = "--count", paramLabel = "N", description = "How many continuations to draw. Default: ${DEFAULT-VALUE}.")
    int count = 1;

    @Option(names = "--threads", paramLabel = "N", description = "Cores to use. Default: all that the container may use.")
    int threads = Runtime.getRuntime().availableProcessors();

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() {
        GenerationOptions options = GenerationOptions.builder().maxNewTokens(maxNewTokens).doSample(sample).temperature(temperature)
                .topK(topK)
                .topP(topP).seed(seed).repetitionPenalty(repetitionPenalty).numReturnSequences(count).build();
        try (LanguageModel language = PerplexityCommand.load(model, threads)) {
            language.generate(text, options).forEach(rest -> spec.commandLine().getOut().println(text + rest));
        }
        return 0;
    }
}
