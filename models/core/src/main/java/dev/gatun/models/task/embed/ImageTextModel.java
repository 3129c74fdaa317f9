package dev.gatun.models.task.embed;

import dev.gatun.models.checkpoint.CheckedWeights;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.family.clip.ClipText;
import dev.gatun.models.family.clip.ClipVision;
import dev.gatun.models.image.ImagePreprocessor;
import dev.gatun.models.runtime.Workers;
import dev.gatun.models.vision.HubPreprocessing;
import dev.gatun.models.vision.PictureWorkers;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionSession;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/**
 * Texts and pictures to vectors of one space with CLIP or SigLIP, and labels of one's own for pictures. Thread-safe; owns its weights,
 * threads and results, all freed by {@link #close}, which waits for calls under way.
 *
 * <pre>{@code
 * try (var model = ImageTextModel.load(Path.of("openai/clip-vit-base-patch32"), EmbeddingOptions.defaults())) {
 *     float[] scores = model.classify(List.of(picture), List.of("a cat", "a dog"), ImageTextModel.TEMPLATE).getFirst().scores();
 * }
 * }</pre>
 */
public final class ImageTextModel implements AutoCloseable {
    /** What transformers asks of a label, which stands for the braces. */
    public static final String TEMPLATE = "This is a photo of {}.";
    /** {@code model_type} of config.json that is served. */
    public static final List<String> MODEL_TYPES = ClipText.MODEL_TYPES;

    private final EmbeddingModel texts;
    private final VisionModel vision;
    private final Workers<VisionSession> workers;
    private final ImagePreprocessor preprocessor;
    private final boolean sigmoid;
    private final float scale;
    private final float bias;

    private ImageTextModel(EmbeddingModel texts, VisionModel vision, ImagePreprocessor preprocessor, float[] scale) {
        this.texts = texts;
        this.vision = vision;
        this.preprocessor = preprocessor;
        this.sigmoid = scale.length > 1;
        this.scale = (float) Math.exp(scale[0]);
        this.bias = sigmoid ? scale[1] : 0;
        this.workers = new Workers<>("the model of pictures and texts", "gatun-vision", texts.options().threads(), vision::newSession);
    }

    /**
     * Loads a folder.
     *
     * @param options of texts; threads and normalization are those of pictures too
     * @throws WeightException if a file is missing, damaged or contradicts another, or the model is no CLIP and no SigLIP
     */
    public static ImageTextModel load(Path folder, EmbeddingOptions options) {
        Checkpoint checkpoint = Checkpoint.open(folder);
        if (!MODEL_TYPES.contains(checkpoint.modelType())) {
            String said = checkpoint.said();
            throw new WeightException(checkpoint.configFile(), (said.isEmpty() ? "names no model_type" : "says " + said)
                    + ", expected one of pictures and texts: model_type " + String.join(" or ", MODEL_TYPES));
        }
        EmbeddingModel texts = EmbeddingModel.load(folder, options);
        VisionModel vision = null;
        try (Arena files = Arena.ofShared()) {
            WeightSource source = new CheckedWeights(checkpoint.source(files), true);
            vision = VisionModel.load(ClipVision.describe(checkpoint.configFile(), checkpoint.config(), source, texts.normalizes(), files));
            if (vision.spec().classCount() != texts.dimension()) {
                throw new WeightException(checkpoint.configFile(), "gives pictures vectors of " + vision.spec().classCount()
                        + " elements and texts of " + texts.dimension() + ", expected as many");
            }
            return new ImageTextModel(texts, vision, HubPreprocessing.of(checkpoint.folder(), vision.spec()), scale(checkpoint, source));
        } catch (RuntimeException | Error e) {
            texts.close();
            if (vision != null) {
                vision.close();
            }
            throw e;
        }
    }

    /** CLIP's logarithm of the scale; SigLIP's and its bias. */
    private static float[] scale(Checkpoint checkpoint, WeightSource source) {
        boolean siglip = checkpoint.modelType().equals("siglip");
        WeightScope top = WeightScope.of(source);
        float scale = top.tensor("logit_scale", siglip ? new long[] {1} : new long[0]).getFloat(0);
        return siglip ? new float[] {scale, top.tensor("logit_bias", 1).getFloat(0)} : new float[] {scale};
    }

    /** The text tower: what it embeds lies in the same space. It belongs to this model. */
    public EmbeddingModel texts() {
        return texts;
    }

    /**
     * What became of one picture.
     *
     * @param picture the file
     * @param vector  of the same space as the texts' vectors; null if the picture could not be read
     * @param error   why it could not be read, or null
     */
    public record PictureVector(Path picture, float[] vector, String error) {
    }

    /**
     * A vector for each picture, in order; one that cannot be read, or is null, does not stop the others.
     *
     * @param listener hears of each from the workers' threads: it may not call this model
     * @throws IllegalStateException if the model is closed, or the calling thread is interrupted
     */
    public List<PictureVector> embed(List<Path> pictures, Consumer<PictureVector> listener) {
        List<Path> files = Collections.unmodifiableList(new ArrayList<>(pictures));
        PictureVector[] results = new PictureVector[files.size()];
        new PictureWorkers(vision.spec(), workers).run(files, preprocessor, (i, vector, features, error) -> {
            results[i] = new PictureVector(files.get(i), vector, error);
            listener.accept(results[i]);
        });
        return List.of(results);
    }

    /**
     * Computes so many pictures at once in every session, so that what they need is compiled and allocated before the first request; what
     * texts need, {@link #texts()} does.
     */
    public void warmUp(int count) {
        new PictureWorkers(vision.spec(), workers).warmUp(count);
    }

    /**
     * How well labels fit a picture.
     *
     * @param picture the file
     * @param scores  of each label: of CLIP probabilities that sum to 1, of SigLIP each for itself; null if the picture could not be read
     * @param error   why it could not be read, or null
     */
    public record Scores(Path picture, float[] scores, String error) {
    }

    /**
     * Classifies pictures by labels of the caller's, as transformers' zero-shot-image-classification does.
     *
     * @param template what is asked of each label, which stands for {@code {}}
     * @throws IllegalArgumentException if there are no labels, or the template has no place for them
     */
    public List<Scores> classify(List<Path> pictures, List<String> labels, String template) {
        if (labels.isEmpty() || !template.contains("{}")) {
            throw new IllegalArgumentException("labels " + labels + ", template \"" + template
                    + "\": expected labels, and {} where they go");
        }
        try (Embeddings known = texts.embed(labels.stream().map(label -> template.replace("{}", label)).toList())) {
            float[][] rows = new float[labels.size()][];
            for (int i = 0; i < rows.length; i++) {
                rows[i] = known.toFloats(i);
            }
            return embed(pictures, one -> { }).stream()
                    .map(one -> new Scores(one.picture, one.vector == null ? null : scores(one.vector, rows), one.error)).toList();
        }
    }

    private float[] scores(float[] picture, float[][] labels) {
        double[] logits = new double[labels.length];
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < logits.length; i++) {
            logits[i] = scale * cosine(picture, labels[i]) + bias;
            max = Math.max(max, logits[i]);
        }
        double sum = 0;
        for (double logit : logits) {
            sum += Math.exp(logit - max);
        }
        float[] scores = new float[logits.length];
        for (int i = 0; i < scores.length; i++) {
            scores[i] = (float) (sigmoid ? 1 / (1 + Math.exp(-logits[i])) : Math.exp(logits[i] - max) / sum);
        }
        return scores;
    }

    private static double cosine(float[] a, float[] b) {
        double dot = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            dot += (double) a[i] * b[i];
            aa += (double) a[i] * a[i];
            bb += (double) b[i] * b[i];
        }
        return dot / Math.max(Math.sqrt(aa * bb), 1e-30);
    }

    /** Elements of a vector. */
    public int dimension() {
        return texts.dimension();
    }

    /** The image tower, for sessions of one's own: its logits are the vectors. It belongs to this model. */
    public VisionModel vision() {
        return vision;
    }

    /** How pictures become inputs. */
    public ImagePreprocessor preprocessor() {
        return preprocessor;
    }

    /** Waits for calls under way, then frees everything, results included. Closing twice is harmless. */
    @Override
    public void close() {
        workers.close();
        vision.close();
        texts.close();
    }
}
