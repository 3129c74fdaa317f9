package dev.gatun.cli;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ModelPath;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.Guess;
import dev.gatun.models.registry.Seq2Seqs;
import dev.gatun.models.seq2seq.EncoderDecoder;
import dev.gatun.tensor.Precision;
import java.nio.file.Path;
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

    @Option(names = "--beam-groups", converter = Least.One.class, paramLabel = "G",
            description = "Beams in G groups that differ: a group pays --diversity for each token that a group before has in "
            + "the same place; with --n-best, answers that differ more. Default: as the folder says.")
    Integer groups;

    @Option(names = "--diversity", paramLabel = "X", description = "What groups of beams pay, above 0.")
    Double diversity;

    @Option(names = "--max-new-tokens", converter = Least.One.class, paramLabel = "N",
            description = "Longest answer, of a text or of each part of it. Default: as the "
            + "folder says.")
    int maxNewTokens;

    @Option(names = "--assistant", paramLabel = "DIR", description = "A smaller model of the same vocabulary, which guesses tokens that "
            + "the model then checks together: the answers are the same, sooner where guesses are right. Needs one beam.")
    Path assistant;

    @Option(names = "--prompt-lookup", converter = Least.One.class, paramLabel = "N",
            description = "Guess up to N tokens: those that followed the last two where they stood before, in the text or its answer. "
            + "Needs one beam.")
    Integer lookup;

    @Mixin
    RuleOptions rules;

    @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
    CommandLine.Model.CommandSpec command;

    /** Refuses wrong numbers as misuse. */
    void check() {
        require((groups != null && groups > 1) == (diversity != null && diversity > 0), "--beam-groups above 1 and --diversity above 0 "
                + "need each other");
        require(assistant == null || lookup == null, "give --assistant or --prompt-lookup, not both");
    }

    /** The model that guesses, or null; the caller closes it after the one that it guesses for. */
    EncoderDecoder assistant() {
        if (assistant == null) {
            return null;
        }
        Checkpoint checkpoint = Checkpoint.open(ModelPath.resolve(assistant));
        return Seq2Seqs.family(checkpoint).load(checkpoint, Precision.F32);
    }

    /**
     * What the folder says, changed.
     *
     * @param answers   how many are wanted: as many beams at least
     * @param greedy    whether beams that the folder asks for are left out
     * @param positions of the model
     * @param guesses   the assistant, or null
     */
    GenerationOptions of(GenerationOptions.Builder how, int answers, boolean greedy, int positions, EncoderDecoder guesses) {
        int wanted = beams != null ? beams : greedy ? 1 : how.build().numBeams();
        int count = Math.max(wanted, answers);
        require(lengthPenalty == null || count > 1, "--length-penalty is of beam search: give --beams");
        if (count == 1) {
            how.earlyStopping(GenerationOptions.EarlyStopping.FALSE);
        }
        if (groups != null || count == 1) {
            require(groups == null || groups == 1 || count % groups == 0, "--beam-groups " + groups + " does not divide the beams, "
                    + count);
            how.beamGroups(groups == null ? 1 : groups, diversity == null ? 0 : diversity);
        }
        if (lengthPenalty != null) {
            how.lengthPenalty(lengthPenalty);
        }
        if (maxNewTokens > 0) {
            how.maxLength(Math.min(maxNewTokens + 1, positions));
        }
        require(count == 1 || guesses == null && lookup == null, "--assistant and --prompt-lookup guess for one answer of one beam: give "
                + "--beams 1");
        if (guesses != null || lookup != null) {
            how.guess(guesses != null ? new Guess.Model(guesses) : new Guess.Lookup(lookup, 2));
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
