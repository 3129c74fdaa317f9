package dev.gatun.models.task.text;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.HeadKind;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.tokenize.Pair;
import dev.gatun.models.tokenize.Truncation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * How well documents answer a query, with a cross-encoder: a model for sequence classification with one label that reads query and document
 * together. Scores are those of sentence-transformers' {@code CrossEncoder}: sigmoid, or the model's own numbers, as the folder says.
 * Thread-safe; owns its weights and threads, freed by {@link #close}, which waits for calls under way.
 */
public final class Reranker extends TextTask {
    private static final Map<String, Boolean> ACTIVATIONS = Map.of("torch.nn.modules.linear.Identity", false,
            "torch.nn.modules.activation.Sigmoid", true, "torch.nn.Identity", false, "torch.nn.Sigmoid", true);

    private final boolean sigmoid;

    private Reranker(TextModel model, boolean sigmoid) {
        super(model);
        this.sigmoid = sigmoid;
    }

    /**
     * A document and how well it answers.
     *
     * @param index    in the caller's list
     * @param score    larger is better
     * @param document itself
     */
    public record Ranked(int index, float score, String document) {
    }

    /** {@link #load(Path, TextOptions)} with the defaults. */
    public static Reranker load(Path folder) {
        return load(folder, TextOptions.defaults());
    }

    /**
     * Loads a model.
     *
     * @param folder a Hugging Face folder, perhaps of sentence-transformers
     * @throws WeightException if a file is missing, damaged or contradicts another, or it is a model of another kind
     */
    public static Reranker load(Path folder, TextOptions options) {
        Checkpoint checkpoint = Checkpoint.open(folder);
        HeadKind.SEQUENCES.require(checkpoint);
        if (checkpoint.modules().size() > 1) {
            throw new WeightException(checkpoint.root().resolve("modules.json"), "has a " + checkpoint.modules().get(1).type()
                    + " behind its Transformer; expected the Transformer of a reranker alone");
        }
        boolean sigmoid = sigmoid(checkpoint);
        TextModel model = TextModel.of("the reranker", checkpoint,
                () -> Encoders.family(checkpoint).load(checkpoint, options.precision(), HeadKind.SEQUENCES), options);
        if (model.labels().names().size() != 1) {
            int found = model.labels().names().size();
            model.close();
            throw new WeightException(checkpoint.configFile(), "has " + found
                    + " labels, expected the one of a reranker; for a classifier of several"
                    + " use TextClassifier (gatun classify-text)");
        }
        return new Reranker(model, sigmoid);
    }

    /** The activation that sentence-transformers was told of, now or in an older release; without any a sigmoid. */
    private static boolean sigmoid(Checkpoint checkpoint) {
        ConfigFields config = checkpoint.fields();
        boolean own = config.choice("sbert_ce_default_activation_function", true, ACTIVATIONS);
        own = config.object("sentence_transformers").choice("activation_fn", own, ACTIVATIONS);
        Path file = checkpoint.root().resolve("config_sentence_transformers.json");
        ConfigFields sentence = ConfigFields.of(file, JsonFiles.optional(file));
        sentence.require("default_prompt_name");
        return sentence.choice("activation_fn", own, ACTIVATIONS);
    }

    /**
     * The documents, best first; of equal scores the first.
     *
     * @throws IllegalStateException if this is closed, or the calling thread is interrupted
     */
    public List<Ranked> rank(String query, List<String> documents) {
        return rank(query, documents, Integer.MAX_VALUE);
    }

    /** The best documents, best first. */
    public List<Ranked> rank(String query, List<String> documents, int top) {
        Scores.requireTop(top);
        float[] scores = scores(documents.stream().map(document -> new Pair(query, document)).toList());
        List<Ranked> ranked = new ArrayList<>(scores.length);
        for (int i = 0; i < scores.length; i++) {
            ranked.add(new Ranked(i, scores[i], documents.get(i)));
        }
        ranked.sort(Comparator.comparingDouble(r -> -r.score));
        return List.copyOf(ranked.subList(0, Math.min(top, ranked.size())));
    }

    /** The score of each pair of query and document, in order. */
    public float[] scores(List<Pair> pairs) {
        List<Float> all = model.run(pairs, job());
        float[] scores = new float[all.size()];
        for (int i = 0; i < scores.length; i++) {
            scores[i] = all.get(i);
        }
        return scores;
    }

    /**
     * The score of a query and a document, computed together with the pairs of other callers.
     *
     * @return cancel it, or give it a deadline by {@code orTimeout}, and the pair is not computed any more. What depends on it without
     *         {@code Async} runs on a computing thread and must not block
     * @throws java.util.concurrent.RejectedExecutionException if as many pairs wait as {@link TextOptions#batching} allows
     * @throws IllegalStateException                           if this is closed; closing later fails the future
     */
    public CompletableFuture<Float> submit(Pair pair) {
        return model.submit(pair, job());
    }

    private TextModel.Single<Pair, Float> job() {
        return TextClassifier.pairs(model, Truncation.LONGEST_FIRST, logits -> sigmoid ? Scores.sigmoid(logits[0]) : logits[0]);
    }
}
