package dev.gatun.models.onnx;

import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.Weight;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * What is added to the scores of attention, as a rule for texts of any length: which keys are hidden, and a number by the distance from
 * query to key.
 *
 * @param causal    keys behind the query are hidden
 * @param window    keys at this distance and beyond are hidden; 0 for none
 * @param distances [heads, 2 * reach + 1], or null
 */
record ScoreMask(boolean causal, int window, Weight distances) {
    private static final ScoreMask NONE = new ScoreMask(false, 0, null);

    /**
     * Rules of a graph's attentions in order. They are found with the longest sample, and checked with others.
     */
    static final class Rules {
        private final Arena arena;
        private final List<ScoreMask> found = new ArrayList<>();
        /** Layers share masks, and looking at one takes long. */
        private final Map<OnnxTensor, ScoreMask> seen = new IdentityHashMap<>();
        private int next = -1;

        /** @param arena owns distances */
        Rules(Arena arena) {
            this.arena = arena;
        }

        /** From now on samples are checked. */
        Rules checking() {
            next = 0;
            seen.clear();
            return this;
        }

        /**
         * The rule of the next attention.
         *
         * @param mask that is added to its scores, or null
         * @throws IllegalArgumentException if it is no rule, or another one than that of longer texts
         */
        ScoreMask next(OnnxTensor mask, TextSample sample, int heads) {
            ScoreMask before = mask == null ? null : seen.get(mask);
            ScoreMask rule = next < 0 ? before != null ? before : mask == null ? NONE : derived(mask, sample, heads) : found.get(next++);
            if (next < 0) {
                ScoreMask fresh = rule;
                rule = found.stream().filter(fresh::isSame).findFirst().orElse(rule);
                found.add(rule);
            }
            if (before == null || before != rule) {
                rule.check(mask, sample, heads);
            }
            if (mask != null) {
                seen.put(mask, rule);
            }
            return rule;
        }

        private ScoreMask derived(OnnxTensor mask, TextSample sample, int heads) {
            int length = sample.length();
            float[][] values = new float[heads][2 * length - 1];
            boolean[] hidden = new boolean[2 * length - 1];
            for (int h = 0; h < heads; h++) {
                Element element = new Element(mask, sample, heads, h);
                for (int d = 1 - length; d < length; d++) {
                    // The first text is whole.
                    double v = d < 0 ? element.at(0, -d, 0) : element.at(0, 0, d);
                    hidden[d + length - 1] = v <= Packing.HIDDEN;
                    values[h][d + length - 1] = v <= Packing.HIDDEN ? 0 : (float) v;
                }
            }
            boolean causal = length > 1 && hidden[length];
            int window = 1;
            while (window < length && !hidden[length - 1 - window]) {
                window++;
            }
            return new ScoreMask(causal, window == length ? 0 : window, distances(values, length - 1));
        }

        private Weight distances(float[][] values, int longest) {
            int reach = longest;
            while (reach > 0 && constant(values, longest, reach - 1)) {
                reach--;
            }
            if (reach == 0 && Arrays.stream(values).allMatch(row -> row[longest] == 0)) {
                return null;
            }
            float[] flat = new float[values.length * (2 * reach + 1)];
            for (int h = 0; h < values.length; h++) {
                System.arraycopy(values[h], longest - reach, flat, h * (2 * reach + 1), 2 * reach + 1);
            }
            return new Weight("distances", Tensor.ofFloats(arena, flat, values.length, 2L * reach + 1));
        }

        private static boolean constant(float[][] values, int longest, int reach) {
            return Arrays.stream(values).allMatch(row -> row[longest - reach - 1] == row[longest - reach]
                    && row[longest + reach + 1] == row[longest + reach]);
        }

        /** Distances up to here are what the longest sample had, all further ones alike. */
        int reach() {
            return found.stream().mapToInt(ScoreMask::reach).max().orElse(0);
        }
    }

    int reach() {
        return distances == null ? 0 : Math.toIntExact(distances.shape().dim(1) / 2);
    }

    private boolean isSame(ScoreMask other) {
        boolean alike = causal == other.causal && window == other.window && (distances == null) == (other.distances == null);
        return alike && (distances == null || distances.shape().equals(other.distances.shape())
                && distances.tensor().segment().mismatch(other.distances.tensor().segment()) < 0);
    }

    /** An element of a mask that may be repeated. */
    private static final class Element {
        private final OnnxTensor mask;
        private final long[] strides;
        private final int head;

        Element(OnnxTensor mask, TextSample sample, int heads, int head) {
            this.mask = mask;
            long[] all = {sample.batch(), heads, sample.length(), sample.length()};
            this.strides = Walk.strides(Region.padded(mask.dims(), 4), all);
            this.head = head;
        }

        double at(int text, int query, int key) {
            return mask.real(text * strides[0] + head * strides[1] + query * strides[2] + key * strides[3]);
        }
    }

    private void check(OnnxTensor mask, TextSample sample, int heads) {
        if (mask == null) {
            if (!isSame(NONE)) {
                throw new IllegalArgumentException("scores of " + sample.length() + " tokens have nothing added, those of more have");
            }
            return;
        }
        int length = sample.length();
        int columns = 2 * reach() + 1;
        boolean perHead = new Element(mask, sample, heads, 0).strides[1] != 0;
        for (int h = 0; h < (perHead ? heads : 1); h++) {
            Element element = new Element(mask, sample, heads, h);
            for (int b = 0; b < sample.batch(); b++) {
                for (int i = 0; i < sample.tokens(b) * length; i++) {
                    int q = i / length;
                    int k = i % length;
                    boolean hides = k >= sample.tokens(b) || causal && k > q || window > 0 && Math.abs(k - q) >= window;
                    double v = element.at(b, q, k);
                    double expected = distances == null || hides ? 0
                            : distances.tensor().getFloat((long) h * columns + Math.clamp(k - q, -reach(), reach()) + reach());
                    if (hides ? v > Packing.HIDDEN : v != expected) {
                        throw new IllegalArgumentException("scores have something added that depends on more than which tokens count and"
                                + " how far apart they are");
                    }
                }
            }
        }
    }
}
