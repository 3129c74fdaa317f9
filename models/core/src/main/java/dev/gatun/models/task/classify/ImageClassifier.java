package dev.gatun.models.task.classify;

import dev.gatun.models.checkpoint.CheckedWeights;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ModelPath;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.family.onnx.OnnxPictures;
import dev.gatun.models.image.ImagePreprocessor;
import dev.gatun.models.runtime.Workers;
import dev.gatun.models.vision.PictureWorkers;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.vision.VisionSession;
import dev.gatun.models.vision.VisionSpec;
import dev.gatun.tensor.graph.Graph;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/**
 * A model of pictures with its preprocessing, its labels and its workers. Thread-safe. Owns the model's native memory:
 * {@link #close} waits for work under way.
 */
public final class ImageClassifier implements AutoCloseable {
    private final VisionCheckpoint checkpoint;
    private final VisionModel model;
    private final Workers<VisionSession> workers;
    private final List<String> labels;

    /**
     * The graphs of a folder's network, before the passes.
     *
     * @param files owns what is read
     */
    public static List<Graph> describe(Path model, Arena files) {
        VisionNetwork network = VisionCheckpoint.find(model)
                .architecture(new CheckedWeights(VisionCheckpoint.open(model, files), false), files).network();
        return List.of(network.trunk(), network.head());
    }

    private ImageClassifier(VisionCheckpoint checkpoint, VisionModel model, ClassifierOptions options) {
        this.checkpoint = checkpoint;
        this.model = model;
        this.labels = List.copyOf(checkpoint.labels(model.spec().classCount()));
        this.workers = new Workers<>("the image model", "gatun-vision", options.threads(), model::newSession);
    }

    /**
     * Loads a folder, or a safetensors or ONNX file, or a model of that name in the local cache of the Hugging Face hub.
     *
     * @throws WeightException if it is not a model that this knows, or damaged
     */
    public static ImageClassifier load(Path path, ClassifierOptions options) {
        Path found = ModelPath.resolve(path);
        VisionCheckpoint checkpoint = VisionCheckpoint.find(found);
        Checkpoint opened = Checkpoint.open(found);
        if (opened.format().equals("onnx")) {
            return of(checkpoint, checkpoint.checked(OnnxPictures.load(opened)), options);
        }
        try (Arena files = Arena.ofShared()) {
            return of(checkpoint, checkpoint.load(VisionCheckpoint.open(found, files), options.checkWeights()), options);
        }
    }

    /** Loads the reader of handwritten digits that comes with Gatun: greyscale, light ink on dark ground at best. */
    public static ImageClassifier digits(ClassifierOptions options) {
        try (Arena files = Arena.ofShared()) {
            VisionCheckpoint digits = VisionCheckpoint.digits();
            return of(digits, digits.load(VisionCheckpoint.openDigits(files), options.checkWeights()), options);
        }
    }

    /** Takes over the model. */
    private static ImageClassifier of(VisionCheckpoint checkpoint, VisionModel model, ClassifierOptions options) {
        try {
            return new ImageClassifier(checkpoint, model, options);
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /**
     * What became of one picture.
     *
     * @param picture  the file; null if null was given
     * @param logits   one for each class; null if it could not be read
     * @param features of the penultimate layer; null if it could not be read
     * @param error    why it could not be read, or null
     */
    public record Result(Path picture, float[] logits, float[] features, String error) {
    }

    /** Hears of results as they come, from the workers' threads. */
    public interface Listener {
        /** One more picture is done. */
        void done(Result result);
    }

    /**
     * Decodes, prepares and classifies; a picture that cannot be read, or is null, does not stop the others.
     *
     * @param listener called by the workers: it may not call this classifier, which throws {@link IllegalStateException}
     * @return one result for each picture, in their order
     * @throws IllegalArgumentException if the model's input is not a picture's
     */
    public List<Result> classify(List<Path> pictures, Listener listener) {
        return classifyAll(Collections.unmodifiableList(new ArrayList<>(pictures)), listener);
    }

    /** Computes so many pictures at once in every session, so that what they need is compiled and allocated before the first request. */
    public void warmUp(int count) {
        new PictureWorkers(model.spec(), workers).warmUp(count);
    }

    private List<Result> classifyAll(List<Path> pictures, Listener listener) {
        Result[] results = new Result[pictures.size()];
        new PictureWorkers(model.spec(), workers).run(pictures, preprocessor(), (i, logits, features, error) -> {
            results[i] = new Result(pictures.get(i), logits, features, error);
            listener.done(results[i]);
        });
        return List.of(results);
    }

    /**
     * Runs inputs that are prepared already, on every core unless others are computing, as {@link VisionModel#split} says. Its threads
     * must have access: an arena confined to the caller's does not do.
     *
     * @param pictures F32 [count, C, H, W], off-heap
     * @param logits   F32 [count, classes], off-heap; or {@link MemorySegment#NULL}
     * @param features F32 [count, features], off-heap; or {@link MemorySegment#NULL}
     * @throws IllegalArgumentException if a segment is on the heap or too small
     * @throws IllegalStateException    if this is closed, or the calling thread is interrupted
     */
    public void forward(MemorySegment pictures, int count, MemorySegment logits, MemorySegment features) {
        VisionSpec spec = model.spec();
        VisionModel.Split split = model.split(count, workers.cores());
        if (split.threads() > 1) {
            workers.runWide(Workers.doing(session -> session.forward(pictures, count, logits, features)));
            return;
        }
        List<Consumer<VisionSession>> tasks = new ArrayList<>();
        for (int p = 0; p < split.parts(); p++) {
            int from = (int) ((long) count * p / split.parts());
            int to = (int) ((long) count * (p + 1) / split.parts());
            tasks.add(session -> session.forward(pictures.asSlice(from * session.pictureByteSize()), to - from,
                    from(logits, from, spec.classCount()), from(features, from, spec.featureCount())));
        }
        workers.run(tasks.stream().map(Workers::doing).toList());
    }

    private static MemorySegment from(MemorySegment segment, int row, int columns) {
        return segment.address() == 0 && segment.isNative() ? segment : segment.asSlice((long) row * columns * Float.BYTES);
    }

    /**
     * The most probable classes of a result's logits: by softmax, or each by its sigmoid where config.json's {@code problem_type} says that
     * several may hold, or there is only one.
     */
    public Prediction predict(float[] logits, int top) {
        boolean several = checkpoint.config().path("problem_type").asText("").equals("multi_label_classification");
        return Prediction.of(logits, labels, top, several || labels.size() == 1);
    }

    /**
     * How pictures become inputs.
     *
     * @throws IllegalArgumentException if the model's input has neither one channel nor three
     */
    public ImagePreprocessor preprocessor() {
        return checkpoint.preprocessing(model.spec());
    }

    /** {@code int8} if the model was quantized, otherwise {@code f32}. */
    public String precision() {
        return checkpoint.config().has(QuantizedFile.CONFIG_KEY) ? "int8" : "f32";
    }

    /** Names of the classes, in the order of the logits. */
    public List<String> labels() {
        return labels;
    }

    /** The network, for sessions of one's own. */
    public VisionModel model() {
        return model;
    }

    /** Waits for work under way, then frees everything. Closing twice is harmless. */
    @Override
    public void close() {
        workers.close();
        model.close();
    }
}
