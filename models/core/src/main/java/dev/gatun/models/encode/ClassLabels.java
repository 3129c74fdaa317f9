package dev.gatun.models.encode;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ConfigFields;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What the columns of a classifying head mean.
 *
 * @param names   {@code id2label} of config.json, or LABEL_0, LABEL_1, ...
 * @param problem whether labels exclude each other
 */
public record ClassLabels(List<String> names, Problem problem) {
    private static final int MOST = 1 << 20;

    /** How scores become what a user wants, as transformers' pipelines have it. */
    public enum Problem {
        /** One label holds: softmax. */
        SINGLE,
        /** Any number of labels hold: sigmoid. */
        MULTI,
        /** Scores are the answer. */
        REGRESSION
    }

    /** Copies the list. */
    public ClassLabels {
        names = List.copyOf(names);
    }

    /**
     * Reads {@code id2label} or {@code num_labels}, two labels without either, and {@code problem_type}; without that a single label is
     * MULTI and several are SINGLE.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if a field is damaged
     */
    public static ClassLabels of(Checkpoint checkpoint) {
        ConfigFields config = checkpoint.fields();
        List<String> names = new ArrayList<>();
        JsonNode map = checkpoint.config().path("id2label");
        int count = map.isObject() && !map.isEmpty() ? map.size() : config.integer("num_labels", 1, MOST, 2);
        for (int i = 0; i < count; i++) {
            JsonNode name = map.path(Integer.toString(i));
            if (map.isObject() && !map.isEmpty() && !name.isValueNode()) {
                throw config.error("id2label", count + " labels, one of each class: there is none of class " + i);
            }
            names.add(name.isMissingNode() ? "LABEL_" + i : name.asText());
        }
        Problem otherwise = count == 1 ? Problem.MULTI : Problem.SINGLE;
        Problem problem = config.choice("problem_type", otherwise, Map.of("regression", Problem.REGRESSION, "multi_label_classification",
                Problem.MULTI, "single_label_classification", otherwise));
        return new ClassLabels(names, problem);
    }
}
