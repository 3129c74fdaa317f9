package dev.gatun.cli;

import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.task.language.LanguageModel;
import dev.gatun.tensor.Precision;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** Options that every command with a recurrent language model has. */
final class LanguageOptions {
    @Option(names = "--model", paramLabel = "DIR", description = "A folder with config.json (architecture rnn-language-model), "
            + "model.safetensors and vocabulary.json. Default: the small model of characters that ships with Gatun.")
    Path model;

    @Option(names = "--precision", paramLabel = "f32|bf16|f16|int8|auto",
            description = "In what recurrent layers and the softmax are kept and computed; auto: as the file has them. "
                    + "Default: ${DEFAULT-VALUE}.")
    String precision = "f32";

    @Option(names = "--threads", converter = Least.Cores.class, paramLabel = "N",
            description = "Cores to use. Default: all that the container may use.")
    int threads = ThreadCount.usual();

    @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
    CommandLine.Model.CommandSpec command;

    LanguageModel load() {
        Precision wanted = PrecisionOption.parse(command, precision);
        return model == null ? LanguageModel.load(threads, wanted) : LanguageModel.load(model, threads, wanted);
    }
}
