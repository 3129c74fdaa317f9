package dev.gatun.models.generate;

import dev.gatun.models.generate.Generated.Finish;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** The finished sequences of one source, or of one group of its beams: the best of them, in memory reserved at the start. */
final class Hypotheses {
    private final GenerationOptions options;
    private final Rules rules;
    private final int most;
    private final int longest;
    private final Entry[] entries;
    private int count;

    private static final class Entry {
        final int[] ids;
        final float[] scores;
        int length;
        double score;
        Finish finish;

        Entry(int maxLength) {
            ids = new int[maxLength];
            scores = new float[maxLength];
        }
    }

    /** Room for so many. */
    Hypotheses(Rules rules, Target target, int most) {
        this.rules = rules;
        this.options = rules.options;
        this.most = most;
        this.longest = target.maxLength() - target.prompt().length;
        this.entries = new Entry[most + 1];
        for (int i = 0; i < entries.length; i++) {
            entries[i] = new Entry(longest);
        }
    }

    /**
     * Offers a sequence.
     *
     * @param last the token behind the sequence's own
     * @param sum  log-probabilities of all tokens that were chosen
     */
    void add(Sequence sequence, int last, double sum, Finish finish) {
        int before = sequence.length - sequence.promptLength();
        double score = rules.score(sum, before + 1);
        if (isFull() && score <= worst()) {
            return;
        }
        Entry entry = entries[count++];
        System.arraycopy(sequence.ids, sequence.promptLength(), entry.ids, 0, before);
        System.arraycopy(sequence.scores, sequence.promptLength(), entry.scores, 0, before);
        entry.ids[before] = last;
        entry.scores[before] = (float) (sum - sequence.sum);
        entry.length = before + 1;
        entry.score = score;
        entry.finish = finish;
        if (count > most) {
            dropWorst();
        }
    }

    private void dropWorst() {
        int lowest = lowest();
        Entry dropped = entries[lowest];
        // The order of the others is that of their arrival: ties are broken by it.
        System.arraycopy(entries, lowest + 1, entries, lowest, count - lowest - 1);
        entries[--count] = dropped;
    }

    private int lowest() {
        int lowest = 0;
        for (int i = 1; i < count; i++) {
            if (entries[i].score < entries[lowest].score) {
                lowest = i;
            }
        }
        return lowest;
    }

    private double worst() {
        return entries[lowest()].score;
    }

    private boolean isFull() {
        return count >= most;
    }

    /**
     * Whether nothing better is to be expected.
     *
     * @param generated tokens of those that go on
     * @param sum       the most that one of them has
     */
    boolean isDone(int generated, double sum) {
        if (!isFull()) {
            return false;
        }
        return switch (options.earlyStopping()) {
            case TRUE -> true;
            case FALSE -> worst() >= rules.score(sum, generated);
            case NEVER -> worst() >= rules.score(sum, options.lengthPenalty() > 0 ? longest : generated);
        };
    }

    /** All, best first. */
    List<Generated> best() {
        List<Generated> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Entry entry = entries[i];
            all.add(new Generated(Arrays.copyOf(entry.ids, entry.length), entry.score, Arrays.copyOf(entry.scores, entry.length),
                    entry.finish));
        }
        all.sort(Comparator.comparingDouble(Generated::score).reversed());
        return all;
    }
}
