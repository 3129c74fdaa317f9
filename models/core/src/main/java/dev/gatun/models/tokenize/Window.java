package dev.gatun.models.tokenize;

import java.util.Arrays;

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
