package dev.gatun.models.task.classify;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a classifier says of one picture.
 *
 * @param best most probable classes first
 */
public record Prediction(List<Guess> best) {
    /** Copies the list. */
    public Prediction {
        best = List.copyOf(best);
    }

    /**
     * One class.
     *
     * @param index position among the logits
     * @param label name
     * @param score probability by softmax, or by sigmoid where each class is a question of its own
     */
    public record Guess(int index, String label, double score) {
    }

    /** The best of labels that have scores already. */
    public static Prediction ofScores(float[] scores, List<String> labels, int top) {
        return new Prediction(IntStream.range(0, scores.length).mapToObj(i -> new Guess(i, labels.get(i), scores[i]))
                .sorted(Comparator.comparingDouble(Guess::score).reversed()).limit(top).toList());
    }

    /**
     * The {@code top} best classes of one row of logits; NaN logits come last.
     *
     * @param apart whether several classes may hold, or there is one: each has its sigmoid
     */
    static Prediction of(float[] logits, List<String> labels, int top, boolean apart) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, Float.isNaN(logit) ? Double.NEGATIVE_INFINITY : logit);
        }
        double sum = 0;
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < logits.length; i++) {
            sum += Math.exp(logits[i] - max);
            order.add(i);
        }
        order.sort(Comparator.comparingDouble((Integer i) -> Float.isNaN(logits[i]) ? Double.NEGATIVE_INFINITY : logits[i])
                .reversed().thenComparing(Comparator.naturalOrder()));
        List<Guess> best = new ArrayList<>();
        for (int i : order.subList(0, Math.min(top, order.size()))) {
            best.add(new Guess(i, labels.get(i), apart ? 1 / (1 + Math.exp(-logits[i])) : Math.exp(logits[i] - max) / sum));
        }
        return new Prediction(best);
    }
}
