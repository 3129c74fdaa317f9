package dev.gatun.models.task.embed;

import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.checkpoint.sentence.SentenceFolder;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.runtime.Batching;
import dev.gatun.tensor.Precision;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * How a model embeds. What is not said here is as the model's folder says.
 *
 * @param threads   cores to use; the default is what the container may use ({@code Runtime.availableProcessors})
 * @param pooling   how token vectors become one, or null
 * @param normalize whether vectors get Euclidean length 1, or null
 * @param maxTokens longer texts are cut, special tokens included; 0: where the folder says, or at the model's positions
 * @param dimension elements of a vector that are kept, the first ones (Matryoshka); 0: as the folder says, or all
 * @param prompt    name of the folder's prompt that is put before every text; empty for none; null: its default prompt
 * @param batching  how requests of several callers are computed together
 * @param overlap   0 or more: a longer text is read in windows which share so many tokens, its vector is the mean of theirs, each with the
 *                  weight of its tokens, brought to length 1 if vectors are normalized; a prompt stands in the first. -1: it is cut
 * @param precision in what linear layers are computed
 * @param route     the task whose route through a Router every text takes, as {@code query}; null: queries and documents take their own,
 *                  other texts the default one
 */
public record EmbeddingOptions(int threads, Pooling pooling, Boolean normalize, int maxTokens, int dimension, String prompt,
        Batching batching, int overlap, Precision precision, String route) {

    /** Checks the numbers. */
    public EmbeddingOptions {
        ThreadCount.checked(threads);
        if (maxTokens < 0) {
            throw new IllegalArgumentException("maxTokens must be 0 or more, not " + maxTokens);
        }
        if (dimension < 0) {
            throw new IllegalArgumentException("dimension must be 0 or more, not " + dimension);
        }
        if (overlap < -1) {
            throw new IllegalArgumentException("overlap must be 0 or more, or -1 without windows, not " + overlap);
        }
        Objects.requireNonNull(precision, "precision");
    }

    /** Every available core, everything as the folder says; of a folder that says nothing mean pooling, normalized. */
    public static EmbeddingOptions defaults() {
        return new EmbeddingOptions(ThreadCount.usual(), null, null, 0, 0, null, Batching.defaults(),
                -1, Precision.F32, null);
    }

    /** The same with another number of cores. */
    public EmbeddingOptions withThreads(int count) {
        return new EmbeddingOptions(count, pooling, normalize, maxTokens, dimension, prompt, batching, overlap, precision, route);
    }

    /** The same with another pooling. */
    public EmbeddingOptions withPooling(Pooling other) {
        return new EmbeddingOptions(threads, other, normalize, maxTokens, dimension, prompt, batching, overlap, precision, route);
    }

    /** The same with or without normalization. */
    public EmbeddingOptions withNormalize(boolean value) {
        return new EmbeddingOptions(threads, pooling, value, maxTokens, dimension, prompt, batching, overlap, precision, route);
    }

    /** The same with texts cut elsewhere. */
    public EmbeddingOptions withMaxTokens(int count) {
        return new EmbeddingOptions(threads, pooling, normalize, count, dimension, prompt, batching, overlap, precision, route);
    }

    /** The same with shorter vectors. */
    public EmbeddingOptions withDimension(int count) {
        return new EmbeddingOptions(threads, pooling, normalize, maxTokens, count, prompt, batching, overlap, precision, route);
    }

    /** The same with another prompt, by its name. */
    public EmbeddingOptions withPrompt(String name) {
        return new EmbeddingOptions(threads, pooling, normalize, maxTokens, dimension, name, batching, overlap, precision, route);
    }

    /** The same with requests of several callers computed together otherwise. */
    public EmbeddingOptions withBatching(Batching other) {
        return new EmbeddingOptions(threads, pooling, normalize, maxTokens, dimension, prompt, other, overlap, precision, route);
    }

    /** The same with longer texts read in windows that share so many tokens. */
    public EmbeddingOptions withWindows(int shared) {
        return new EmbeddingOptions(threads, pooling, normalize, maxTokens, dimension, prompt, batching, shared, precision, route);
    }

    /** The same with linear layers in another precision. */
    public EmbeddingOptions withPrecision(Precision other) {
        return new EmbeddingOptions(threads, pooling, normalize, maxTokens, dimension, prompt, batching, overlap, other, route);
    }

    /** The same with another task's route, of a folder with a Router. */
    public EmbeddingOptions withRoute(String task) {
        return new EmbeddingOptions(threads, pooling, normalize, maxTokens, dimension, prompt, batching, overlap, precision, task);
    }

    /** What a folder says, as far as these options do not say otherwise. */
    SentenceFolder over(SentenceFolder folder) {
        List<SentenceFolder.Step> steps = new ArrayList<>(folder.steps());
        if (normalize != null) {
            steps.removeIf(step -> step instanceof SentenceFolder.Step.Normalize);
            if (normalize) {
                steps.add(new SentenceFolder.Step.Normalize());
            }
        }
        return new SentenceFolder(pooling == null ? folder.poolings() : List.of(pooling), folder.includePrompt(), folder.before(), steps,
                folder.maxTokens(),
                folder.lowerCase(), folder.prompts(), prompt == null ? folder.defaultPrompt() : prompt.isEmpty() ? null : prompt,
                dimension == 0 ? folder.dimension() : dimension, folder.similarity());
    }
}
