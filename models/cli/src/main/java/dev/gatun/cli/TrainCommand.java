package dev.gatun.cli;

import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.task.classify.Examples;
import dev.gatun.models.task.classify.ImageTraining;
import dev.gatun.models.task.text.TextTraining;
import dev.gatun.models.train.Fit;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Examples to a model. */
@Command(name = "train", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Fit a classifier. images: a folder with a folder of pictures for each class, or the handwritten digits that come "
                + "with Gatun, to a textbook CNN from nothing, or to the last layer of a ResNet (--model). text: a CSV file, to the head "
                + "of an encoder (--model) whose other layers stay as they are without --thaw. A checkpoint is written after each epoch; "
                + "--resume goes on from it to the same weights. The result is a folder that classify or classify-text takes.")
final class TrainCommand implements Callable<Integer> {
    enum Task { IMAGES, TEXT }

    @Option(names = "--task", required = true, description = "${COMPLETION-CANDIDATES}, in any case.")
    Task task;

    @Parameters(arity = "0..1", paramLabel = "DIR|FILE.csv", description = "The examples; the first line of a CSV file names its "
            + "columns. Default of images: the digits.")
    Path examples;

    @Option(names = "--output", required = true, paramLabel = "DIR", description = "Folder for the result.")
    Path output;

    @Option(names = "--model", paramLabel = "DIR", description = "A model whose last layer alone is trained.")
    Path model;

    @Option(names = "--text-column", paramLabel = "NAME", description = "Of a CSV file. Default: ${DEFAULT-VALUE}.")
    String textColumn = "text";

    @Option(names = "--label-column", paramLabel = "NAME", description = "Of a CSV file. Default: ${DEFAULT-VALUE}.")
    String labelColumn = "label";

    @Option(names = "--epochs", converter = Least.One.class, paramLabel = "N",
            description = "Times that every example is learnt from. Default: ${DEFAULT-VALUE}.")
    int epochs = 15;

    @Option(names = "--batch", converter = Least.One.class, paramLabel = "N",
            description = "Examples of a step. Default: ${DEFAULT-VALUE}.")
    int batch = 32;

    @Option(names = "--thaw", description = "Of text: train the encoder's layers too.")
    boolean thaw;

    @Option(names = "--rate", paramLabel = "R", description = "The largest learning rate. Default: 3e-3, with --thaw 5e-5.")
    double rate;

    @Option(names = "--decay", paramLabel = "D", description = "Weight decay of AdamW. Default: ${DEFAULT-VALUE}.")
    double decay = 0.01;

    @Option(names = "--validation", paramLabel = "SHARE", description = "Share of each class that is held out, to be judged by. Default: "
            + "${DEFAULT-VALUE}.")
    double validation = 0.2;

    @Option(names = "--seed", paramLabel = "N", description = "The same seed and threads give the same weights. Default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(names = "--side", converter = Least.One.class, paramLabel = "PIXELS",
            description = "Sides of the CNN's input. Default: ${DEFAULT-VALUE}.")
    int side = ImageTraining.Sizes.SMALL.side();

    @Option(names = "--channels", converter = Least.One.class, split = ",", paramLabel = "N",
            description = "Channels of the CNN's convolutions. Default: 16,32.")
    int[] channels = {ImageTraining.Sizes.SMALL.channels1(), ImageTraining.Sizes.SMALL.channels2()};

    @Option(names = "--hidden", converter = Least.One.class, paramLabel = "N",
            description = "Size of the CNN's first linear layer. Default: ${DEFAULT-VALUE}.")
    int hidden = ImageTraining.Sizes.SMALL.hidden();

    @Option(names = "--plain", description = "Learn from pictures as they are: not turned, moved and scaled a little each time.")
    boolean plain;

    @Option(names = "--resume", description = "Go on from the checkpoint of an interrupted training, if there is one; one that is finished "
            + "stays as it is.")
    boolean resume;

    @Option(names = "--threads", converter = Least.Cores.class, paramLabel = "N",
            description = "Cores to use. Default: all that the container may use.")
    int threads = ThreadCount.usual();

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        Fit fit;
        try {
            fit = new Fit(epochs, batch, rate == 0 ? thaw ? 5e-5 : 3e-3 : rate, decay, validation, seed, threads, resume);
        } catch (IllegalArgumentException e) {
            throw new CommandLine.ParameterException(spec.commandLine(), e.getMessage(), e);
        }
        if (channels.length != 2) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--channels has " + channels.length + " numbers, expected two");
        }
        if (task == Task.TEXT && (examples == null || model == null)) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--task text needs a CSV file and --model");
        }
        if (task == Task.IMAGES && thaw) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--thaw is for --task text");
        }
        long start = System.nanoTime();
        Fit.Progress last = task == Task.IMAGES ? images(fit) : new TextTraining(TextTraining.read(examples, textColumn, labelColumn), fit,
                output, this::report).run(model, thaw);
        spec.commandLine().getOut().println(output + ": " + words(last) + String.format(Locale.ROOT, ", %.1f s",
                (System.nanoTime() - start) * 1e-9));
        return CommandLine.ExitCode.OK;
    }

    private Fit.Progress images(Fit fit) throws IOException {
        Examples found = examples == null ? Examples.digits() : Examples.of(examples);
        found.unreadable().forEach(message -> spec.commandLine().getErr().println("gatun: " + message));
        ImageTraining training = new ImageTraining(found, fit, output, this::report);
        return model != null ? training.head(model) : training.cnn(new ImageTraining.Sizes(side, channels[0], channels[1], hidden, !plain));
    }

    private void report(Fit.Progress progress) {
        spec.commandLine().getErr().println("epoch " + progress.epoch() + " of " + progress.epochs() + ": " + words(progress));
        spec.commandLine().getErr().flush();
    }

    private static String words(Fit.Progress progress) {
        List<String> words = new ArrayList<>();
        if (!Double.isNaN(progress.loss())) {
            words.add(String.format(Locale.ROOT, "loss %.4f", progress.loss()));
        }
        if (progress.held() != null) {
            words.add(String.format(Locale.ROOT, "held out %.4f, right %.2f%%", progress.held().loss(), 100 * progress.held().accuracy()));
        }
        return words.isEmpty() ? "was finished after " + progress.epochs() + " epochs; without --resume it begins anew"
                : String.join(", ", words);
    }
}
