package dev.gatun.models.generate;

import dev.gatun.models.generate.Generated.Finish;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** The finished sequences of one source: the best numBeams, in memory reserved at the start. */
final class Hypotheses {
    private final GenerationOptions options;
    private final int maxLength;
    private final Entry[] entries;
    private int count;
    private double worst = 1e9;

    private static final class Entry {
        final int[] ids;
        int length;
        double score;
        Finish finish;

        Entry(int maxLength) {
            ids = new int[maxLength];
        }
    }

    Hypotheses(GenerationOptions options, int maxLength) {
        this.options = options;
        this.maxLength = maxLength;
        this.entries = new Entry[options.numBeams() + 1];
        for (int i = 0; i < entries.length; i++) {
            entries[i] = new Entry(maxLength);
        }
    }

    /**
     * Offers a sequence.
     *
     * @param last a token behind the sequence's own, or -1
     * @param sum  log-probabilities of all tokens after the start token
     */
    void add(Sequence sequence, int last, double sum, Finish finish) {
        int generated = sequence.length - 1 + (last >= 0 ? 1 : 0);
        double score = sum / Math.pow(generated, options.lengthPenalty());
        if (count >= options.numBeams() && score <= worst) {
            return;
        }
        Entry entry = entries[count++];
        System.arraycopy(sequence.ids, 1, entry.ids, 0, sequence.length - 1);
        if (last >= 0) {
            entry.ids[generated - 1] = last;
        }
        entry.length = generated;
        entry.score = score;
        entry.finish = finish;
        if (count > options.numBeams()) {
            dropWorst();
        } else {
            worst = Math.min(score, worst);
        }
    }

    private void dropWorst() {
        int lowest = lowest();
        Entry dropped = entries[lowest];
        // The order of the others is that of their arrival: ties are broken by it.
        System.arraycopy(entries, lowest + 1, entries, lowest, count - lowest - 1);
        entries[--count] = dropped;
        worst = entries[lowest()].score;
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

    /**
     * Whether nothing better is to be expected.
     *
     * @param bestSum   of the best candidate of this step
     * @param generated tokens of the candidates
     */
    boolean isDone(double bestSum, int generated) {
        if (count < options.numBeams()) {
            return false;
        }
        return switch (options.earlyStopping()) {
            case TRUE -> true;
            case FALSE -> worst >= bestSum / Math.pow(generated, options.lengthPenalty());
            case NEVER -> worst >= bestSum / Math.pow(options.lengthPenalty() > 0 ? maxLength - 1 : generated, options.lengthPenalty());
        };
    }

    /** The best, best first. */
    List<Generated> best() {
        List<Generated> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(new Generated(Arrays.copyOf(entries[i].ids, entries[i].length), entries[i].score, entries[i].finish));
        }
        all.sort(Comparator.comparingDouble(Generated::score).reversed());
        return List.copyOf(all.subList(0, Math.min(options.numReturnSequences(), all.size())));
    }
}
