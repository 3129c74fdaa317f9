package dev.gatun.models.tokenize;

import java.util.function.Function;

/**
 * Tokens of a text of which only the beginning is wanted, or only the end: of a long one no more is tokenized than has tokens enough. A
 * word, and the blanks between two, are cut at {@value #LONGEST_WORD} characters where that changes nothing or is enough.
 */
final class LongText {
    private static final int FIRST_CHARACTERS = 1 << 14;
    private static final int LONGEST_WORD = 1 << 16;

    private LongText() {
    }

    /**
     * A text's ids, or those at the side that is kept: more than are wanted if it has them.
     *
     * @param fromEnd whether the end is wanted
     */
    static int[] ids(String text, int wanted, boolean fromEnd, Function<String, int[]> tokenizer) {
        if (text.length() <= wanted) {
            return tokenizer.apply(text);
        }
        int[] before = null;
        for (long longest = LONGEST_WORD;; longest *= 2) {
            String shorter = shortened(text, longest, fromEnd);
            int[] ids = part(shorter, wanted, fromEnd, tokenizer);
            // As many tokens of twice as long a word: it is an unknown one however long it is.
            if (shorter.length() == text.length() || ids.length > wanted || before != null && before.length == ids.length) {
                return ids;
            }
            before = ids;
        }
    }

    private static String shortened(String text, long longest, boolean fromEnd) {
        if (text.length() <= longest) {
            return text;
        }
        StringBuilder kept = new StringBuilder();
        int copied = 0;
        for (int from = 0, to; from < text.length(); from = to) {
            boolean blank = Character.isWhitespace(text.charAt(from));
            to = from + 1;
            while (to < text.length() && Character.isWhitespace(text.charAt(to)) == blank) {
                to++;
            }
            if (to - from > longest) {
                int cut = fromEnd ? to - (int) longest : from + (int) longest;
                cut += Character.isLowSurrogate(text.charAt(cut)) ? 1 : 0;
                kept.append(text, copied, fromEnd ? from : cut);
                copied = fromEnd ? cut : to;
            }
        }
        return copied == 0 ? text : kept.append(text, copied, text.length()).toString();
    }

    private static int[] part(String text, int wanted, boolean fromEnd, Function<String, int[]> tokenizer) {
        for (long length = FIRST_CHARACTERS; length < text.length(); length *= 4) {
            int end = boundary(text, (int) length, fromEnd);
            if (end < 0) {
                continue;
            }
            // What follows the cut could change the last word's tokens only, and those are cut off.
            int[] ids = tokenizer.apply(fromEnd ? text.substring(end) : text.substring(0, end));
            if (ids.length > wanted) {
                return ids;
            }
        }
        return tokenizer.apply(text);
    }

    /**
     * The place between two words, before a space that follows something else or another blank that follows a letter, next to this many
     * characters from the kept side; -1 if there is none.
     */
    private static int boundary(String text, int length, boolean fromEnd) {
        for (int i = length; i > length / 2; i--) {
            int at = fromEnd ? text.length() - i : i;
            char c = text.charAt(at);
            char before = text.charAt(at - 1);
            if (c == ' ' ? before != ' ' : Character.isWhitespace(c) && Character.isLetterOrDigit(before)) {
                return at;
            }
        }
        return -1;
    }
}
