package dev.gatun.models.task.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.HeadKind;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.tokenize.Pair;
import dev.gatun.models.tokenize.Truncation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Texts to labels that the caller names, with a model for natural language inference: a label fits as well as the text entails the
 * hypothesis "This example is (label).". Scores are those of transformers' pipeline. Thread-safe; owns its weights and threads, freed by
 * {@link #close}, which waits for calls under way.
 */
public final class ZeroShotClassifier extends TextTask {
    /** What transformers asks; {@code {}} stands for the label. */
    public static final String TEMPLATE = "This example is {}.";

    private final int entailment;

    private ZeroShotClassifier(TextModel model, int entailment) {
        super(model);
        this.entailment = entailment;
    }

    /**
     * What is asked.
     *
     * @param labels     one or more
     * @param template   the hypothesis, with {@code {}} in the label's place
     * @param multiLabel whether any number of labels may hold; otherwise scores add up to 1
     */
    public record Question(List<String> labels, String template, boolean multiLabel) {
        /** Checks that there are labels and a place for them. */
        public Question {
            labels = List.copyOf(labels);
            if (labels.isEmpty()) {
                throw new IllegalArgumentException("there are no labels; expected one or more");
            }
            if (!template.contains("{}")) {
                throw new IllegalArgumentException("the template \"" + template + "\" has no {}, where the label goes");
            }
        }

        /** Of which one label holds. */
        public Question(List<String> labels) {
            this(labels, TEMPLATE, false);
        }
    }

    /** {@link #load(Path, TextOptions)} with the defaults. */
    public static ZeroShotClassifier load(Path folder) {
        return load(folder, TextOptions.defaults());
    }

    /**
     * Loads a model.
     *
     * @param folder a Hugging Face folder of a model whose {@code label2id} has a label that begins with "entail"
     * @throws WeightException if a file is missing, damaged or contradicts another, or it is a model of another kind
     */
    public static ZeroShotClassifier load(Path folder, TextOptions options) {
        Checkpoint checkpoint = Checkpoint.open(folder);
        HeadKind.SEQUENCES.require(checkpoint);
        int entailment = entailment(checkpoint);
        TextModel model = TextModel.of("the zero-shot classifier", checkpoint,
                () -> Encoders.family(checkpoint).load(checkpoint, options.precision(), HeadKind.SEQUENCES), options);
        if (entailment >= model.labels().names().size() || model.labels().names().size() < 2) {
            model.close();
            throw new WeightException(checkpoint.configFile(), "label2id says entailment is class " + entailment + ", but there are "
                    + model.labels().names().size() + " classes; expected 2 or more");
        }
        return new ZeroShotClassifier(model, entailment);
    }

    private static int entailment(Checkpoint checkpoint) {
        List<String> names = new ArrayList<>();
        for (Map.Entry<String, JsonNode> entry : checkpoint.config().path("label2id").properties()) {
            names.add(entry.getKey());
            if (entry.getKey().toLowerCase(Locale.ROOT).startsWith("entail") && entry.getValue().isInt()
                    && entry.getValue().intValue() >= 0) {
                return entry.getValue().intValue();
            }
        }
        throw new WeightException(checkpoint.configFile(), "label2id has no label that begins with entail, only "
                + names.stream().limit(10).toList()
                + ": expected a model for natural language inference");
    }

    /** The labels for a text, best first; one of them holds. */
    public List<Label> classify(String text, List<String> labels) {
        return classify(List.of(text), new Question(labels)).getFirst();
    }

    /**
     * The labels for each text, best first.
     *
     * @throws IllegalArgumentException if a hypothesis leaves no room for its text
     * @throws IllegalStateException    if this is closed, or the calling thread is interrupted
     */
    public List<List<Label>> classify(List<String> texts, Question question) {
        List<Pair> pairs = texts.stream().flatMap(text ->
                question.labels.stream().map(label -> new Pair(text, question.template.replace("{}", label))))
                .toList();
        List<float[]> logits = TextClassifier.logits(model, pairs, Truncation.ONLY_FIRST);
        List<List<Label>> all = new ArrayList<>();
        int n = question.labels.size();
        for (int i = 0; i < texts.size(); i++) {
            all.add(Scores.best(question.labels, scores(logits.subList(i * n, (i + 1) * n), question.multiLabel), n));
        }
        return all;
    }

    /** Entailment against contradiction for each label, which is class 0, or the last one if entailment is; or entailment of all labels. */
    private float[] scores(List<float[]> logits, boolean multiLabel) {
        float[] scores = new float[logits.size()];
        if (!multiLabel && scores.length > 1) {
            for (int i = 0; i < scores.length; i++) {
                scores[i] = logits.get(i)[entailment];
            }
            return Scores.softmax(scores);
        }
        for (int i = 0; i < scores.length; i++) {
            float[] row = logits.get(i);
            scores[i] = Scores.softmax(new float[] {row[entailment == 0 ? row.length - 1 : 0], row[entailment]})[1];
        }
        return scores;
    }
}
