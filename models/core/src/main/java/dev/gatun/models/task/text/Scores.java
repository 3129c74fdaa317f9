package dev.gatun.models.task.text;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What becomes of a row of a head. */
final class Scores {
    private Scores() {
    }

    static float[] softmax(float[] logits) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - largest);
        }
        float[] scores = new float[logits.length];
        for (int i = 0; i < scores.length; i++) {
            scores[i] = (float) (Math.exp(logits[i] - largest) / sum);
        }
        return scores;
    }

    static float sigmoid(float logit) {
        return (float) (1 / (1 + Math.exp(-logit)));
    }

    /** The best labels, best first; of equal scores the first. */
    static List<Label> best(List<String> names, float[] scores, int top) {
        List<Label> labels = new ArrayList<>(scores.length);
        for (int i = 0; i < scores.length; i++) {
            labels.add(new Label(names.get(i), i, scores[i]));
        }
        labels.sort(Comparator.comparingDouble(label -> -label.score()));
        return List.copyOf(labels.subList(0, Math.min(top, labels.size())));
    }

    static int requireTop(int top) {
        if (top < 1) {
            throw new IllegalArgumentException("top must be 1 or more, not " + top);
        }
        return top;
    }
}
