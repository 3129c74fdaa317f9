package dev.gatun.models.task.text;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.encode.ClassLabels;
import dev.gatun.models.encode.HeadKind;
import dev.gatun.models.encode.Rows;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.tokenize.Pair;
import dev.gatun.models.tokenize.TextTokenizer;
import dev.gatun.models.tokenize.Truncation;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.ToIntFunction;

/**
 * Texts, or pairs of texts, to labels, with a model for sequence classification. Scores are transformers': softmax where labels exclude
 * each other, sigmoid where several may hold or there is one, the model's own numbers for regression ({@code problem_type}). Thread-safe;
 * owns its weights and threads, freed by {@link #close}, which waits for calls under way.
 */
public final class TextClassifier extends TextTask {
    private TextClassifier(TextModel model) {
        super(model);
    }

    /** {@link #load(Path, TextOptions)} with the defaults. */
    public static TextClassifier load(Path folder) {
        return load(folder, TextOptions.defaults());
    }

    /**
     * Loads a model.
     *
     * @param folder a Hugging Face folder
     * @throws dev.gatun.models.checkpoint.WeightException if a file is missing, damaged or contradicts another, or it is a model of another
     *                                                     kind
     */
    public static TextClassifier load(Path folder, TextOptions options) {
        return new TextClassifier(load("the classifier", folder, options));
    }

    static TextModel load(String owner, Path folder, TextOptions options) {
        Checkpoint checkpoint = Checkpoint.open(folder);
        HeadKind.SEQUENCES.require(checkpoint);
        return TextModel.of(owner, checkpoint,
                () -> Encoders.family(checkpoint).load(checkpoint, options.precision(), HeadKind.SEQUENCES), options);
    }

    /** All labels of a text, best first. */
    public List<Label> classify(String text) {
        return classify(List.of(text), Integer.MAX_VALUE).getFirst();
    }

    /**
     * The best labels of each text, best first.
     *
     * @param top how many at most
     * @throws IllegalStateException if this is closed, or the calling thread is interrupted
     */
    public List<List<Label>> classify(List<String> texts, int top) {
        Scores.requireTop(top);
        return logits(texts).stream().map(logits -> Scores.best(labels(), scores(logits), top)).toList();
    }

    /** The best labels of each pair, as of a premise and a hypothesis; too long ones lose tokens of the longer text first. */
    public List<List<Label>> classifyPairs(List<Pair> pairs, int top) {
        Scores.requireTop(top);
        return logits(model, pairs, Truncation.LONGEST_FIRST).stream().map(logits -> Scores.best(labels(), scores(logits), top)).toList();
    }

    /**
     * All labels of a text, best first, computed together with the texts of other callers.
     *
     * @return cancel it, or give it a deadline by {@code orTimeout}, and the text is not computed any more. What depends on it without
     *         {@code Async} runs on a computing thread and must not block
     * @throws java.util.concurrent.RejectedExecutionException if as many texts wait as {@link TextOptions#batching} allows
     * @throws IllegalStateException                           if this is closed; closing later fails the future
     */
    public CompletableFuture<List<Label>> submit(String text) {
        return model.submit(text, new Logits<>(String::length, model.tokenizer()::encode,
                logits -> Scores.best(labels(), scores(logits), Integer.MAX_VALUE)));
    }

    /** What the model says of each text: a number for each label. */
    public List<float[]> logits(List<String> texts) {
        return model.run(texts, new Logits<>(String::length, model.tokenizer()::encode, logits -> logits));
    }

    /** What a model says of each pair. */
    static List<float[]> logits(TextModel model, List<Pair> pairs, Truncation cut) {
        return model.run(pairs, pairs(model, cut, logits -> logits));
    }

    static <R> TextModel.Single<Pair, R> pairs(TextModel model, Truncation cut, Function<float[], R> answer) {
        return new Logits<>(pair -> pair.first().length() + pair.second().length(),
                pair -> model.tokenizer().encodePairs(List.of(pair), cut).getFirst(), answer);
    }

    /** What is made of the numbers of an input. */
    record Logits<I, R>(ToIntFunction<I> length, Function<I, TextTokenizer.Tokens> tokenizer, Function<float[], R> answer)
            implements TextModel.Single<I, R> {
        @Override
        public long characters(I input) {
            return length.applyAsInt(input);
        }

        @Override
        public TextTokenizer.Tokens tokenize(I input) {
            return tokenizer.apply(input);
        }

        @Override
        public R read(I input, TextTokenizer.Tokens tokens, Rows rows) {
            return answer.apply(rows.row(0));
        }
    }

    private float[] scores(float[] logits) {
        return switch (model.labels().problem()) {
            case SINGLE -> Scores.softmax(logits);
            case REGRESSION -> logits;
            case MULTI -> {
                float[] scores = new float[logits.length];
                for (int i = 0; i < scores.length; i++) {
                    scores[i] = Scores.sigmoid(logits[i]);
                }
                yield scores;
            }
        };
    }

    /** Names of the labels, by class. */
    public List<String> labels() {
        return model.labels().names();
    }

    /** Whether labels exclude each other. */
    public ClassLabels.Problem problem() {
        return model.labels().problem();
    }
}
