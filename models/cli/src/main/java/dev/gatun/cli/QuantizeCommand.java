package dev.gatun.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.task.classify.QuantizeOptions;
import dev.gatun.models.task.classify.Quantizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** An image model to bytes. */
@Command(name = "quantize", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Make an int8 model of an image model: weights as bytes with a scale for each channel, activations as bytes "
                + "with scales found by running calibration pictures. Prints how much precision each layer loses. The result "
                + "loads like any model.")
final class QuantizeCommand implements Callable<Integer> {
    @Option(names = "--model", paramLabel = "DIR", description = "An image model as classify takes it. Default: the reader of handwritten "
            + "digits that comes with Gatun.")
    Path model;

    @Option(names = "--calibration", required = true, arity = "1..*", paramLabel = "PICTURES",
            description = "Pictures such as the model will see: files, folders or globs. A few hundred are plenty.")
    List<String> calibration;

    @Option(names = "--output", required = true, paramLabel = "DIR", description = "Folder for the result.")
    Path output;

    @Option(names = "--percentile", paramLabel = "P",
            description = "Share of an activation's values that its bytes cover, in percent; the rest saturates. 100 is min-max. Default: "
                    + "${DEFAULT-VALUE}.")
    double percentile = 100;

    @Option(names = "--float-first", description = "Keep the first convolution in float32.")
    boolean floatFirst;

    @Option(names = "--int8-last", description = "Quantize the last layer too; it stays in float32 otherwise.")
    boolean int8Last;

    @Option(names = "--weight-bits", paramLabel = "7|8", description = "7 for processors without VNNI, on which sums of 8 would saturate. "
            + "Default: what suits this processor.")
    int weightBits;

    @Option(names = "--threads", converter = Least.Cores.class, paramLabel = "N",
            description = "Cores to use. Default: all that the container may use.")
    int threads = ThreadCount.usual();

    @Option(names = "--json", description = "Print the report as one JSON object.")
    boolean json;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        QuantizeOptions options;
        try {
            options = new QuantizeOptions(percentile, floatFirst, !int8Last,
                    weightBits == 0 ? QuantizeOptions.usualWeightBits() : weightBits, threads);
        } catch (IllegalArgumentException e) {
            throw new CommandLine.ParameterException(spec.commandLine(), e.getMessage(), e);
        }
        List<Path> pictures = PictureFiles.find(calibration);
        if (pictures.isEmpty()) {
            throw new IOException(String.join(", ", calibration) + ": no calibration pictures there (jpg, png, gif, bmp, tiff)");
        }
        Quantizer.Report report = Quantizer.quantize(model, pictures, output, options);
        report.unreadable().forEach(message -> spec.commandLine().getErr().println("gatun: " + message));
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(new ObjectMapper().writeValueAsString(report));
            return 0;
        }
        for (Quantizer.LayerError layer : report.layers()) {
            out.printf(Locale.ROOT, "%-28s %-5s error %.3f%%%n", layer.layer(), layer.int8() ? "int8" : "f32", 100 * layer.relativeError());
        }
        out.printf(Locale.ROOT, "%d calibration pictures; the best class stays the same on %.1f%% of those compared; written to %s%n",
                report.pictures(), 100 * report.agreement(), output);
        return 0;
    }
}
