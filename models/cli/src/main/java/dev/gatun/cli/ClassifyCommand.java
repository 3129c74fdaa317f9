package dev.gatun.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.io.NpyFile;
import dev.gatun.models.io.NpyWriter;
import dev.gatun.models.task.classify.ClassifierOptions;
import dev.gatun.models.task.classify.ImageClassifier;
import dev.gatun.models.task.classify.Prediction;
import dev.gatun.models.task.embed.EmbeddingOptions;
import dev.gatun.models.task.embed.ImageTextModel;
import dev.gatun.models.vision.VisionSpec;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Pictures to labels. */
@Command(name = "classify", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Say what pictures show: the best labels with their probabilities. A picture that cannot be read is "
                + "reported, and the rest go on; then the exit code is 1.")
final class ClassifyCommand implements Callable<Integer> {
    @Option(names = "--model", paramLabel = "DIR", description = "A folder with model.safetensors (a ResNet with torchvision's or "
            + "timm's names, or the textbook CNN), perhaps config.json and labels.txt. Default: the reader of handwritten "
            + "digits that comes with Gatun.")
    Path model;

    @Option(names = "--labels", split = ",", paramLabel = "LABEL,LABEL,...",
            description = "What pictures may show, with a model of pictures "
            + "and texts (CLIP, SigLIP).")
    List<String> labels = List.of();

    @Option(names = "--template", paramLabel = "TEXT", description = "What is asked of each of these labels, which stands for {}. "
            + "Default: ${DEFAULT-VALUE}")
    String template = ImageTextModel.TEMPLATE;

    @Option(names = "--top", converter = Least.One.class, paramLabel = "K",
            description = "How many labels a picture. Default: ${DEFAULT-VALUE}.")
    int top = 5;

    @Option(names = "--threads", converter = Least.Cores.class, paramLabel = "N",
            description = "Cores to use. Default: all that the container may use.")
    int threads = ThreadCount.usual();

    @Option(names = "--json", description = "Print one JSON object a picture.")
    boolean json;

    @Option(names = "--sheet", paramLabel = "OUT.html|OUT.png", description = "Write a contact sheet: each picture with its labels.")
    Path sheet;

    @Option(names = "--input-tensor", paramLabel = "X.npy", description = "Instead of pictures, inputs that are prepared already: "
            + "float32 [N, 3, H, W].")
    Path inputTensor;

    @Option(names = "--logits", paramLabel = "OUT.npy", description = "Write the raw logits, float32 [N, classes], in the order of the "
            + "inputs; a picture that cannot be read has NaN.")
    Path logits;

    @Option(names = "--features", paramLabel = "OUT.npy", description = "Write the penultimate layer, float32 [N, features], likewise.")
    Path features;

    @Option(names = "--precision", paramLabel = "f32|int8", description = "Refuse a model of another precision; gatun quantize makes "
            + "int8 ones. Default: what the model has.")
    String precision;

    @Option(names = "--check-weights", description = "Refuse a model with NaN or infinite weights.")
    boolean checkWeights;

    @Parameters(paramLabel = "PICTURE", description = "Pictures, folders of pictures, or globs such as 'photos/**.jpg'.")
    List<String> pictures = List.of();

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        if (pictures.isEmpty() == (inputTensor == null)) {
            throw new CommandLine.ParameterException(spec.commandLine(), "name pictures, or an --input-tensor (not both)");
        }
        if (sheet != null) {
            ContactSheet.checkName(sheet);
        }
        List<Path> files = PictureFiles.find(pictures);
        if (!labels.isEmpty()) {
            return byLabels(files);
        }
        ClassifierOptions options = new ClassifierOptions(threads, checkWeights);
        try (ImageClassifier classifier = model == null ? ImageClassifier.digits(options) : ImageClassifier.load(model, options)) {
            PrecisionOption.check(spec, precision, classifier);
            return inputTensor != null ? tensor(classifier) : pictures(classifier, files);
        }
    }

    /** Labels of the user's own. */
    private int byLabels(List<Path> files) throws IOException {
        List<String> names = labels.stream().map(String::strip).toList();
        if (model == null || inputTensor != null || sheet != null || logits != null || features != null || precision != null
                || !template.contains("{}") || names.contains("")) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--labels wants a --model, pictures, and a --template with {}; no "
                    + "label is empty; --sheet, --logits, --features and --precision are for other models");
        }
        int bad = 0;
        try (ImageTextModel both = ImageTextModel.load(model, EmbeddingOptions.defaults().withThreads(threads))) {
            for (ImageTextModel.Scores scores : both.classify(files, names, template)) {
                if (scores.error() != null) {
                    bad++;
                    spec.commandLine().getErr().println("gatun: " + scores.error());
                } else {
                    print(scores.picture().toString(), Prediction.ofScores(scores.scores(), names, top));
                }
            }
        }
        return bad == 0 ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }

    private int pictures(ImageClassifier classifier, List<Path> files) throws IOException {
        if (files.isEmpty()) {
            throw new IOException(String.join(", ", pictures) + ": no pictures there (jpg, png, gif, bmp, tiff)");
        }
        Progress progress = new Progress(spec.commandLine().getErr(), "pictures");
        List<ImageClassifier.Result> results = classifier.classify(files, result -> {
            synchronized (progress) {
                progress.add(1);
            }
        });
        progress.finish();
        ContactSheet contact = sheet == null ? null : new ContactSheet();
        int bad = 0;
        for (ImageClassifier.Result result : results) {
            if (result.error() != null) {
                bad++;
                spec.commandLine().getErr().println("gatun: " + result.error());
                if (contact != null) {
                    contact.addBad(result.picture(), result.error());
                }
                continue;
            }
            Prediction prediction = classifier.predict(result.logits(), top);
            print(result.picture().toString(), prediction);
            if (contact != null) {
                contact.add(result.picture(), prediction);
            }
        }
        if (contact != null) {
            contact.write(sheet, files.size() + (files.size() == 1 ? " picture, " : " pictures, ") + classifier.model().spec().name());
        }
        if (logits != null) {
            write(logits, classifier.model().spec().classCount(), results, ImageClassifier.Result::logits);
        }
        if (features != null) {
            write(features, classifier.model().spec().featureCount(), results, ImageClassifier.Result::features);
        }
        if (bad > 0) {
            spec.commandLine().getErr().println(bad + " of " + files.size() + " pictures could not be read");
        }
        return bad == 0 ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }

    private int tensor(ImageClassifier classifier) throws IOException {
        VisionSpec network = classifier.model().spec();
        try (Arena arena = Arena.ofShared()) {
            NpyFile npy = NpyFile.open(inputTensor, arena);
            String expected = "[N, " + network.channels() + ", " + network.inputSize().height() + ", " + network.inputSize().width() + "]";
            if (npy.type() != NpyFile.Type.FLOAT32 || npy.shape().rank() != 4 || npy.shape().dim(1) != network.channels()
                    || npy.shape().dim(2) != network.inputSize().height() || npy.shape().dim(3) != network.inputSize().width()) {
                throw new IllegalArgumentException(inputTensor + ": " + npy.type() + " " + npy.shape() + ", expected FLOAT32 " + expected);
            }
            int count = Math.toIntExact(npy.shape().dim(0));
            int classes = network.classCount();
            int columns = network.featureCount();
            MemorySegment results = arena.allocate(Math.max(1L, (long) count * classes * Float.BYTES), 64);
            MemorySegment penultimate = arena.allocate(Math.max(1L, (long) count * columns * Float.BYTES), 64);
            classifier.forward(npy.data(), count, results, penultimate);
            for (int i = 0; i < count; i++) {
                print("input " + i, classifier.predict(results.asSlice((long) i * classes * Float.BYTES, (long) classes * Float.BYTES)
                        .toArray(ValueLayout.JAVA_FLOAT), top));
            }
            save(logits, results, count, classes);
            save(features, penultimate, count, columns);
        }
        return CommandLine.ExitCode.OK;
    }

    private static void save(Path file, MemorySegment rows, int count, int columns) throws IOException {
        if (file != null) {
            try (NpyWriter writer = NpyWriter.create(file, columns)) {
                writer.write(rows, count);
                writer.finish();
            }
        }
    }

    private static void write(Path file, int columns, List<ImageClassifier.Result> results,
            Function<ImageClassifier.Result, float[]> values) throws IOException {
        try (Arena arena = Arena.ofConfined(); NpyWriter writer = NpyWriter.create(file, columns)) {
            MemorySegment row = arena.allocate((long) columns * Float.BYTES, 64);
            for (ImageClassifier.Result result : results) {
                float[] own = values.apply(result);
                for (int i = 0; i < columns; i++) {
                    row.setAtIndex(ValueLayout.JAVA_FLOAT, i, own == null ? Float.NaN : own[i]);
                }
                writer.write(row, 1);
            }
            writer.finish();
        }
    }

    private void print(String name, Prediction prediction) throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        if (!json) {
            List<String> guesses = new ArrayList<>();
            prediction.best().forEach(g -> guesses.add(String.format(java.util.Locale.ROOT, "%s %.1f%%", g.label(), 100 * g.score())));
            out.println(name + ": " + String.join(", ", guesses));
            return;
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("picture", name);
        List<Map<String, Object>> guesses = new ArrayList<>();
        for (Prediction.Guess guess : prediction.best()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("index", guess.index());
            entry.put("label", guess.label());
            entry.put("score", guess.score());
            guesses.add(entry);
        }
        line.put("labels", guesses);
        out.println(new ObjectMapper().writeValueAsString(line));
    }
}
