package dev.gatun.cli;

import dev.gatun.models.generate.GenerationOptions;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How commands from text to text search for an answer. */
final class BeamOptions {
    @Option(names = "--beams", converter = Least.One.class, paramLabel = "K",
            description = "Beam search with K beams, 1 for greedy. Default: as the folder says, else "
            + "greedy.")
    Integer beams;

    @Option(names = "--length-penalty", paramLabel = "X", description = "Of beams: above 0 prefers longer answers, below 0 shorter ones. "
            + "Default: as the folder says.")
    Double lengthPenalty;

    @Option(names = "--max-new-tokens", converter = Least.One.class, paramLabel = "N",
            description = "Longest answer, of a text or of each part of it. Default: as the "
            + "folder says.")
    int maxNewTokens;

    @Mixin
    RuleOptions rules;

    @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
    CommandLine.Model.CommandSpec command;

    /** Refuses wrong numbers as misuse. */
    void check() {
    }

    /**
     * What the folder says, changed.
     *
     * @param answers   how many are wanted: as many beams at least
     * @param greedy    whether beams that the folder asks for are left out
     * @param positions of the model
     */
    GenerationOptions of(GenerationOptions.Builder how, int answers, boolean greedy, int positions) {
        int wanted = beams != null ? beams : greedy ? 1 : how.build().numBeams();
        int count = Math.max(wanted, answers);
        require(lengthPenalty == null || count > 1, "--length-penalty is of beam search: give --beams");
        if (count == 1) {
            how.earlyStopping(GenerationOptions.EarlyStopping.FALSE);
        }
        if (lengthPenalty != null) {
            how.lengthPenalty(lengthPenalty);
        }
        if (maxNewTokens > 0) {
            how.maxLength(Math.min(maxNewTokens + 1, positions));
        }
        rules.apply(how);
        return how.numBeams(count).numReturnSequences(answers).build();
    }

    private void require(boolean condition, String message) {
        if (!condition) {
            throw new CommandLine.ParameterException(command.commandLine(), message);
        }
    }
}
