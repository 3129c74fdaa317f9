package dev.gatun.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderSession;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.family.recurrent.RnnConfig;
import dev.gatun.models.onnx.OnnxModel;
import dev.gatun.models.onnx.OnnxSession;
import dev.gatun.models.onnx.OnnxTensor;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.task.classify.ClassifierOptions;
import dev.gatun.models.task.classify.ImageClassifier;
import dev.gatun.models.task.language.LanguageModel;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionSession;
import dev.gatun.tensor.Precision;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How fast a model is on this machine. */
@Command(name = "bench-model", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Measure a model on this machine: throughput and latency of random inputs, off-heap to off-heap, without "
                + "tokenizing or decoding. Takes image models, text encoders, recurrent language models and ONNX files.")
final class BenchModelCommand implements Callable<Integer> {
    @Option(names = "--model", paramLabel = "DIR",
            description = "A folder as classify, embed or perplexity takes it, or an ONNX file. Default: the reader of "
            + "handwritten digits that comes with Gatun.")
    Path model;

    @Option(names = "--batch", converter = Least.One.class, paramLabel = "N",
            description = "Pictures or texts a request. Default: ${DEFAULT-VALUE}.")
    int batch = 1;

    @Option(names = "--seq-len", converter = Least.One.class, paramLabel = "L",
            description = "Tokens of each text, for encoders. Default: ${DEFAULT-VALUE}.")
    int seqLen = 128;

    @Option(names = "--size", paramLabel = "NAME=N",
            description = "For ONNX files: size of an open dimension, by its name or as INPUT:DIMENSION. "
            + "Otherwise --batch for a first dimension, --seq-len for others.")
    Map<String, Long> sizes = new HashMap<>();

    @Option(names = "--workers", converter = Least.One.class, paramLabel = "W",
            description = "Callers at the same time, each with a session of its own. "
            + "Default: ${DEFAULT-VALUE}.")
    int workers = 1;

    @Option(names = "--threads", converter = Least.Cores.class, paramLabel = "T",
            description = "Cores that each worker uses. Default: what the container may use, "
            + "divided among the workers.")
    int threads;

    @Option(names = "--precision", paramLabel = "f32|bf16|f16|int8|auto",
            description = "Of encoders and language models: in what layers are computed; auto: as the file has them. Of image models: f32 "
            + "or int8, refuse one of another precision; gatun quantize makes int8 ones. Default: f32, of images what the model has.")
    String precision;

    @Option(names = "--seconds", paramLabel = "S",
            description = "How long to measure, after a third of it to warm up. Default: ${DEFAULT-VALUE}.")
    double seconds = 5;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    /** A model that is loaded. */
    interface Visitor {
        /**
         * Does something with it.
         *
         * @param name        of what it is
         * @param unit        what a request has --batch of
         * @param loadSeconds that loading took
         * @param bytes       of weights
         * @param clients     makes a caller
         */
        void visit(String name, String unit, double loadSeconds, long bytes, Supplier<BenchModelLoad.Client> clients) throws IOException;
    }

    @Override
    public Integer call() throws IOException {
        visit((name, unit, loadSeconds, bytes, clients) ->
                report(name, unit, loadSeconds, bytes, BenchModelLoad.run(workers, seconds, clients)));
        return 0;
    }

    /** Loads the model for as long as it is visited. */
    void visit(Visitor visitor) throws IOException {
        if (!(seconds > 0 && seconds < 3600)) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--seconds must be above 0 and less than 3600, not " + seconds);
        }
        if (threads == 0) {
            threads = Math.max(1, ThreadCount.usual() / workers);
        }
        long start = System.nanoTime();
        if (model != null && model.toString().endsWith(".onnx") && Files.isRegularFile(model)) {
            try (OnnxModel onnx = OnnxModel.load(model)) {
                visitor.visit("onnx", "request", since(start), onnx.nativeByteSize(),
                        () -> new OnnxClient(onnx, sizes, batch, seqLen, threads));
            }
            return;
        }
        if (model != null && isEncoder(model)) {
            Precision asked = PrecisionOption.parse(spec, precision == null ? "f32" : precision);
            try (Encoder encoder = Encoders.load(model, asked, Head.pooled(Pooling.MEAN, true))) {
                if (seqLen > encoder.spec().maxLength()) {
                    throw new CommandLine.ParameterException(spec.commandLine(), "--seq-len " + seqLen + ": the model's positions end at "
                            + encoder.spec().maxLength());
                }
                visitor.visit("encoder " + asked, "text", since(start), encoder.nativeByteSize(),
                        () -> new TextClient(encoder, batch, seqLen, threads));
            }
            return;
        }
        if (model != null && Checkpoint.open(model).architectures().contains(RnnConfig.ARCHITECTURE)) {
            Precision asked = PrecisionOption.parse(spec, precision == null ? "f32" : precision);
            try (LanguageModel language = LanguageModel.load(model, threads, asked)) {
                visitor.visit(RnnConfig.ARCHITECTURE + " " + asked, "text", since(start), language.model().nativeByteSize(),
                        () -> LanguageClient.of(language.model(), batch, seqLen, threads));
            }
            return;
        }
        ClassifierOptions options = ClassifierOptions.defaults().withThreads(1);
        try (ImageClassifier classifier = model == null ? ImageClassifier.digits(options) : ImageClassifier.load(model, options)) {
            PrecisionOption.check(spec, precision, classifier);
            VisionModel vision = classifier.model();
            visitor.visit(vision.spec().name() + " " + classifier.precision(), "image", since(start), vision.nativeByteSize(),
                    () -> new ImageClient(vision, batch, threads));
        }
    }

    private static double since(long start) {
        return (System.nanoTime() - start) * 1e-9;
    }

    /** An encoder of texts has a tokenizer beside it, or says what it is. */
    private static boolean isEncoder(Path path) throws IOException {
        boolean safetensors = Files.exists(path.resolve("model.safetensors"));
        boolean onnx = Files.exists(path.resolve("model.onnx")) || Files.exists(path.resolve("onnx"));
        if (path.toString().endsWith(".onnx") || Files.exists(path.resolve("tokenizer.json")) || onnx && !safetensors) {
            return true;
        }
        Path config = path.resolve("config.json");
        String says = Files.isRegularFile(config) ? Files.readString(config) : "";
        return says.contains("\"num_attention_heads\"") && !says.contains("\"image_size\"");
    }

    private record OnnxClient(Arena arena, OnnxSession session, Map<String, OnnxTensor> inputs) implements BenchModelLoad.Client {

        OnnxClient(OnnxModel model, Map<String, Long> sizes, int batch, int other, int threads) {
            this(Arena.ofShared(), model, sizes, batch, other, threads);
        }

        private OnnxClient(Arena arena, OnnxModel model, Map<String, Long> sizes, int batch, int other, int threads) {
            this(arena, model.newSession(threads), OnnxInputs.random(model, arena, sizes, batch, other));
        }

        @Override
        public void request() {
            session.run(inputs);
        }

        @Override
        public void close() {
            session.close();
            arena.close();
        }
    }

    private record TextClient(Arena arena, EncoderSession session, MemorySegment ids, MemorySegment offsets, int count,
            MemorySegment dst) implements BenchModelLoad.Client {

        TextClient(Encoder encoder, int count, int seqLen, int threads) {
            this(Arena.ofShared(), encoder, count, seqLen, threads);
        }

        private TextClient(Arena arena, Encoder encoder, int count, int seqLen, int threads) {
            this(arena, encoder.newSession(threads),
                    arena.allocate((long) count * seqLen * Integer.BYTES, 64), arena.allocate((count + 1L) * Integer.BYTES, 64),
                    count, arena.allocate((long) count * encoder.spec().hiddenSize() * Float.BYTES, 64));
            SplittableRandom random = new SplittableRandom(1);
            for (long i = 0; i < (long) count * seqLen; i++) {
                ids.setAtIndex(ValueLayout.JAVA_INT, i, random.nextInt(encoder.spec().vocabSize()));
            }
            for (int i = 0; i <= count; i++) {
                offsets.setAtIndex(ValueLayout.JAVA_INT, i, i * seqLen);
            }
        }

        @Override
        public void request() {
            session.forward(ids, offsets, count, dst);
        }

        @Override
        public void close() {
            session.close();
            arena.close();
        }
    }

    private record ImageClient(Arena arena, VisionSession session, MemorySegment pictures, int count, MemorySegment logits)
            implements BenchModelLoad.Client {

        ImageClient(VisionModel model, int count, int threads) {
            this(Arena.ofShared(), model, count, model.newSession(threads));
        }

        private ImageClient(Arena arena, VisionModel model, int count, VisionSession session) {
            this(arena, session, arena.allocate(count * session.pictureByteSize(), 64), count,
                    arena.allocate((long) count * model.spec().classCount() * Float.BYTES, 64));
            SplittableRandom random = new SplittableRandom(1);
            for (long i = 0; i < pictures.byteSize() / Float.BYTES; i++) {
                pictures.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (2 * random.nextDouble() - 1));
            }
        }

        @Override
        public void request() {
            session.forward(pictures, count, logits);
        }

        @Override
        public void close() {
            session.close();
            arena.close();
        }
    }

    private void report(String name, String unit, double loadSeconds, long weightBytes, BenchModelLoad.Result result) throws IOException {
        double perSecond = result.requests() * (unit.equals("request") ? 1 : batch) / result.seconds();
        boolean text = unit.equals("text");
        if (!json) {
            spec.commandLine().getOut().printf(Locale.ROOT, "%s, batch %d%s, %d workers x %d threads: %,.1f %ss/s%n", name, batch,
                    text ? " x " + seqLen + " tokens" : "", workers, threads, perSecond, unit);
            spec.commandLine().getOut().printf(Locale.ROOT,
                    "latency ms: median %.3f, 90%% %.3f, 99%% %.3f, max %.3f (%,d requests, %.1f s)%n",
                    result.millis(0.5), result.millis(0.9), result.millis(0.99), result.millis(1), result.requests(), result.seconds());
            return;
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("model", model == null ? "digits" : model.toString());
        line.put("architecture", name);
        line.put("batch", batch);
        if (text) {
            line.put("seqLen", seqLen);
        }
        line.put("workers", workers);
        line.put("threads", threads);
        line.put(unit + "sPerSecond", perSecond);
        if (text) {
            line.put("tokensPerSecond", perSecond * seqLen);
        }
        Map<String, Object> latency = new LinkedHashMap<>();
        latency.put("min", result.millis(0));
        latency.put("p50", result.millis(0.5));
        latency.put("p90", result.millis(0.9));
        latency.put("p95", result.millis(0.95));
        latency.put("p99", result.millis(0.99));
        latency.put("max", result.millis(1));
        line.put("latencyMillis", latency);
        line.put("requests", result.requests());
        line.put("seconds", result.seconds());
        line.put("loadSeconds", loadSeconds);
        line.put("weightBytes", weightBytes);
        spec.commandLine().getOut().println(new ObjectMapper().writeValueAsString(line));
    }
}
