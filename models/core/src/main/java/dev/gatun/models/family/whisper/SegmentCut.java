package dev.gatun.models.family.whisper;

import java.util.ArrayList;
import java.util.List;

/**
 * A window's text cut at its timestamps.
 *
 * @param parts  in steps of timestamps from the window's start
 * @param frames from the window's start to the next one's
 */
record SegmentCut(List<Part> parts, int frames) {
    private static final int STRIDE = 2;

    /** Tokens {@code from} to before {@code to}, said from {@code start} to {@code end}. */
    record Part(int from, int to, double start, double end) {
    }

    /**
     * Cuts.
     *
     * @param begin  the first timestamp
     * @param frames of the window that belong to the audio
     */
    static SegmentCut of(int[] tokens, int begin, int frames) {
        int n = tokens.length;
        List<Integer> cuts = new ArrayList<>();
        int last = -1;
        for (int i = 0; i < n; i++) {
            if (tokens[i] >= begin) {
                last = tokens[i];
                if (i > 0 && tokens[i - 1] >= begin) {
                    cuts.add(i);
                }
            }
        }
        if (cuts.isEmpty()) {
            double end = last > begin ? last - begin : frames / STRIDE;
            return new SegmentCut(List.of(new Part(0, n, 0, end)), frames);
        }
        // One timestamp at the end: nobody speaks after it. Else what follows the last pair is heard again.
        boolean single = n >= 2 && tokens[n - 2] < begin && tokens[n - 1] >= begin;
        if (single) {
            cuts.add(n);
        } else {
            cuts.set(cuts.size() - 1, cuts.getLast() + 1);
        }
        List<Part> parts = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < cuts.size(); i++) {
            int to = cuts.get(i);
            int end = i < cuts.size() - 1 || single ? to - 1 : to - 2;
            parts.add(new Part(from, to, tokens[from] - begin, tokens[end] - begin));
            from = to;
        }
        int further = single ? frames : (tokens[from - 2] - begin) * STRIDE;
        // A model without the rules of timestamps may point back to the window's start.
        return new SegmentCut(parts, further > 0 ? further : frames);
    }
}
