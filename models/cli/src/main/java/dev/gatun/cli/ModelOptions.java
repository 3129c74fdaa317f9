package dev.gatun.cli;

import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.encode.Pooling;
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

    @Option(names = "--threads", converter = Least.Cores.class, paramLabel = "N",
            description = "Cores to use. Default: all that the container may use.")
    int threads = ThreadCount.usual();

    @Option(names = "--pooling", paramLabel = "KIND",
            description = "How token vectors become one: ${COMPLETION-CANDIDATES}. Default: as the "
            + "folder says (sentence-transformers), otherwise mean.")
    Pooling pooling;

    @Option(names = "--no-normalize", description = "Leave the vectors' lengths as they are.")
    boolean noNormalize;

    @Option(names = "--max-tokens", converter = Least.Zero.class, paramLabel = "N",
            description = "Where texts are cut. Default: as the folder says.")
    int maxTokens;

    @Option(names = "--dimension", converter = Least.Zero.class, paramLabel = "N",
            description = "Elements of a vector that are kept (Matryoshka). Default: as the folder says.")
    int dimension;

    @Option(names = "--prompt-name", paramLabel = "NAME", description = "The folder's prompt that is put before every text; '' for none. "
            + "Default: the folder's default prompt.")
    String prompt;

    @Option(names = "--route", paramLabel = "TASK", description = "Whose route texts take through the Router of a sentence-transformers "
            + "folder, as query or document. Default: search lets questions and passages take their own, other texts the folder's "
            + "default one.")
    String route;

    @Option(names = "--windows", converter = Least.Zero.class, paramLabel = "N",
            description = "Read texts that are too long in windows which share N tokens, and take "
            + "the mean of their vectors. Default: such texts are cut.")
    int overlap = -1;

    @Option(names = "--precision", paramLabel = "f32|bf16|f16|int8|auto",
            description = "In what linear layers are kept and computed; auto: as the file has them. Default: ${DEFAULT-VALUE}.")
    String precision = "f32";

    @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
    CommandLine.Model.CommandSpec command;

    EmbeddingModel load() {
        EmbeddingModel loaded = EmbeddingModel.load(model, checked());
        loaded.leftOut().forEach(line -> command.commandLine().getErr().println("gatun: " + line));
        return loaded;
    }

    /** Refuses wrong options as misuse. */
    EmbeddingOptions checked() {
        EmbeddingOptions options = EmbeddingOptions.defaults().withThreads(threads).withPooling(pooling).withMaxTokens(maxTokens)
                .withDimension(dimension).withPrompt(prompt).withWindows(overlap).withRoute(route)
                .withPrecision(PrecisionOption.parse(command, precision));
        return noNormalize ? options.withNormalize(false) : options;
    }
}
