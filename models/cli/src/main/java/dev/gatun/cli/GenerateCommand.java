package dev.gatun.cli;

import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.sample.MinP;
import dev.gatun.models.generate.sample.TypicalP;
import dev.gatun.models.task.language.LanguageModel;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Texts that go on. */
@Command(name = "generate", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Continue a text by a language model: the most likely tokens, or drawn ones.")
final class GenerateCommand implements Callable<Integer> {
    @Parameters(paramLabel = "TEXT", description = "What to go on with.")
    String text;

    @Mixin
    LanguageOptions language;

    @Option(names = "--max-new-tokens", converter = Least.One.class, paramLabel = "N",
            description = "Tokens to add. Default: ${DEFAULT-VALUE}.")
    int maxNewTokens = 200;

    @Option(names = "--sample", description = "Draw tokens instead of taking the most likely.")
    boolean sample;

    @Option(names = "--temperature", paramLabel = "T", description = "Of --sample. Default: ${DEFAULT-VALUE}.")
    double temperature = 1;

    @Option(names = "--top-k", converter = Least.Zero.class, paramLabel = "K", description = "Draw from the K most likely only.")
    int topK;

    @Option(names = "--top-p", paramLabel = "P", description = "Draw from the most likely that have this probability together.")
    double topP = 1;

    @Option(names = "--min-p", paramLabel = "P", description = "Draw from those only that have this share of the probability of the most "
            + "likely.")
    Double minP;

    @Option(names = "--typical-p", paramLabel = "P", description = "Draw from those whose surprise is nearest to the expected, that have "
            + "this probability together.")
    Double typicalP;

    @Option(names = "--seed", paramLabel = "N", description = "Of --sample. Default: ${DEFAULT-VALUE}.")
    long seed;

    @Mixin
    RuleOptions rules;

    @Option(names = "--stop", paramLabel = "TEXT", description = "End with the token that completes this text; may be given several times.")
    List<String> stops = List.of();

    @Option(names = "--count", converter = Least.One.class, paramLabel = "N",
            description = "How many continuations to draw. Default: ${DEFAULT-VALUE}.")
    int count = 1;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() {
        GenerationOptions options;
        try {
            options = options();
        } catch (IllegalArgumentException e) {
            throw new CommandLine.ParameterException(spec.commandLine(), e.getMessage(), e);
        }
        try (LanguageModel model = language.load()) {
            model.generate(text, options).forEach(rest -> spec.commandLine().getOut().println(text + rest));
        }
        return 0;
    }

    private GenerationOptions options() {
        GenerationOptions.Builder how = GenerationOptions.builder().maxNewTokens(maxNewTokens).doSample(sample).temperature(temperature)
                .topK(topK).topP(topP).seed(seed).numReturnSequences(count);
        if (minP != null) {
            how.warper(new MinP(minP));
        }
        if (typicalP != null) {
            how.warper(new TypicalP(typicalP));
        }
        stops.forEach(how::stopString);
        rules.apply(how);
        return how.build();
    }
}
