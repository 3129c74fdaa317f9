package dev.gatun.models.tokenize;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A part of a text, or of a pair's second one, as a model reads it, and where its tokens come from. Arrays have one element a token and
 * belong to whoever holds the window.
 *
 * @param tokens    ids and types; truncated says whether this is not all of the text
 * @param sequences 0 for the first text, 1 for the second, -1 for special tokens
 * @param words     the word of its text that a token belongs to, counted from 0; -1 for special tokens
 * @param starts    where a token begins in its text, in Java chars; 0 for special tokens
 * @param ends      where it ends; 0 for special tokens
 */
public record Window(TextTokenizer.Tokens tokens, int[] sequences, int[] words, int[] starts, int[] ends) {
    /**
     * From and to of each window over so many tokens, as the tokenizers library has them: nothing follows the one that reaches the end.
     *
     * @param room     tokens of the text that a window takes
     * @param fromLast whether windows are counted from the end
     * @throws IllegalArgumentException if there are several and the overlap fills the room
     */
    static List<int[]> ranges(int count, int room, int overlap, boolean fromLast) {
        if (count <= room) {
            return List.of(new int[] {0, count});
        }
        if (room <= overlap) {
            throw new IllegalArgumentException("a window has room for " + room + " tokens of the text: it cannot share " + overlap
                    + " with the one before");
        }
        List<int[]> ranges = new ArrayList<>();
        for (int at = 0, end = 0; end < count; at += room - overlap) {
            end = Math.min(at + room, count);
            ranges.add(fromLast ? new int[] {count - end, count - at} : new int[] {at, end});
        }
        return ranges;
    }

    static Window of(Frame frame, Pieces first, Pieces second, boolean truncated) {
        TextTokenizer.Tokens tokens = frame.tokens(new Frame.Span(first.ids(), 0, first.ids().length),
                second == null ? null : new Frame.Span(second.ids(), 0, second.ids().length), truncated);
        int count = tokens.ids().length;
        Window window = new Window(tokens, new int[count], new int[count], new int[count], new int[count]);
        int at = 0;
        for (Frame.Part part : frame.parts()) {
            Pieces pieces = part.sequence() == 0 ? first : second;
            int length = part.sequence() < 0 ? 1 : pieces.ids().length;
            Arrays.fill(window.sequences, at, at + length, part.sequence());
            if (part.sequence() < 0) {
                window.words[at] = -1;
            } else {
                System.arraycopy(pieces.words(), 0, window.words, at, length);
                System.arraycopy(pieces.starts(), 0, window.starts, at, length);
                System.arraycopy(pieces.ends(), 0, window.ends, at, length);
            }
            at += length;
        }
        return window;
    }
}
