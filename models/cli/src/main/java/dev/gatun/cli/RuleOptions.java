package dev.gatun.cli;

import dev.gatun.models.generate.GenerationOptions;
import picocli.CommandLine.Option;

/** Rules about scores, of every command that generates. */
final class RuleOptions {
    @Option(names = "--repetition-penalty", paramLabel = "X", description = "Above 1 makes tokens that occurred less likely; 1: none. "
            + "Default: as the folder says.")
    Double repetitionPenalty;

    @Option(names = "--no-repeat-ngram-size", converter = Least.Zero.class, paramLabel = "N",
            description = "No sequence of N tokens comes twice; 0: any may. "
            + "Default: as the folder says.")
    Integer noRepeatNgramSize;

    void apply(GenerationOptions.Builder how) {
        if (repetitionPenalty != null) {
            how.repetitionPenalty(repetitionPenalty);
        }
        if (noRepeatNgramSize != null) {
            how.noRepeatNgramSize(noRepeatNgramSize);
        }
    }
}
