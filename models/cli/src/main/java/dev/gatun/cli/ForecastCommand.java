package dev.gatun.cli;

import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.io.Utf8Lines;
import dev.gatun.models.task.language.Forecaster;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What follows series of numbers. */
@Command(name = "forecast", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Print what follows each series of numbers, by a recurrent forecaster: its numbers, with commas between them.")
final class ForecastCommand implements Callable<Integer> {
    @Option(names = "--model", required = true, paramLabel = "DIR",
            description = "A folder with config.json (architecture rnn-forecaster) and model.safetensors.")
    Path model;

    @Option(names = "--input", required = true, paramLabel = "FILE",
            description = "A step a line, its numbers with commas between them; the first line may name the columns, an empty line ends a "
                    + "series. - is standard input.")
    String input;

    @Option(names = "--precision", paramLabel = "f32|bf16|f16|int8|auto",
            description = "In what layers are kept and computed; auto: as the file has them. Default: ${DEFAULT-VALUE}.")
    String precision = "f32";

    @Option(names = "--threads", converter = Least.Cores.class, paramLabel = "N",
            description = "Cores to use. Default: all that the container may use.")
    int threads = ThreadCount.usual();

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        try (Forecaster forecaster = Forecaster.load(model, threads, PrecisionOption.parse(spec, precision))) {
            for (float[] next : forecaster.forecast(series(forecaster.inputSize()))) {
                spec.commandLine().getOut().println(IntStream.range(0, next.length).mapToObj(i -> Float.toString(next[i]))
                        .collect(Collectors.joining(",")));
            }
        }
        return 0;
    }

    private List<float[][]> series(int columns) throws IOException {
        List<float[][]> series = new ArrayList<>();
        List<float[]> steps = new ArrayList<>();
        try (Utf8Lines lines = Utf8Lines.open(input)) {
            int number = 0;
            String line = lines.next();
            while (line != null) {
                number++;
                if (!line.isBlank()) {
                    float[] step = step(line, number, columns);
                    if (step != null) {
                        steps.add(step);
                    }
                }
                line = lines.next();
                if (!steps.isEmpty() && (line == null || line.isBlank())) {
                    series.add(steps.toArray(float[][]::new));
                    steps.clear();
                }
            }
        }
        if (series.isEmpty()) {
            throw new IOException(input + ": has no numbers, expected steps of " + columns);
        }
        return series;
    }

    /** Null of names in the first line. */
    private float[] step(String line, int number, int columns) throws IOException {
        String[] fields = line.split(",", -1);
        if (fields.length != columns) {
            throw new IOException(input + ", line " + number + ": has " + fields.length + " fields, the model takes " + columns
                    + " numbers");
        }
        float[] step = new float[columns];
        for (int i = 0; i < columns; i++) {
            try {
                step[i] = Float.parseFloat(fields[i].strip());
            } catch (NumberFormatException e) {
                if (number == 1 && i == 0) {
                    return null;
                }
                throw new IOException(input + ", line " + number + ": '" + fields[i].strip() + "' is no number", e);
            }
        }
        return step;
    }
}
