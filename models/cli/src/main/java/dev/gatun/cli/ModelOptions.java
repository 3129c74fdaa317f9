package dev.gatun.cli;

import dev.gatun.models.family.bert.Pooling;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.EmbeddingOptions;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** Options that every command with an embedding model has. */
final class ModelOptions {
    @Option(names = "--model", required = true, paramLabel = "DIR_OR_ONNX",
            description = "A Hugging Face folder (config.json, model.safetensors, tokenizer.json), or an ONNX file "
                    + "or folder with tokenizer.json beside it.")
    Path model;

    @Option(names = "--threads", paramLabel = "N", description = "Cores to use. Default: all that the container may use.")
    int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--pooling", paramLabel = "mean|cls", description = "How token vectors become one. Default: ${DEFAULT-VALUE}.")
    Pooling pooling = Pooling.MEAN;

    @Option(names = "--no-normalize", description = "Leave the vectors' lengths as they are.")
    boolean noNormalize;

    @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
    CommandLine.Model.CommandSpec command;

    EmbeddingModel load() {
        if (threads < 1) {
            throw new CommandLine.ParameterException(command.commandLine(), "--threads must be 1 or more, not " + threads);
        }
        return EmbeddingModel.load(model, EmbeddingOptions.defaults()
                .withThreads(threads).withPooling(pooling).withNormalize(!noNormalize));
    }
}
