package dev.gatun.models.tokenize;

/** Texts as UTF-8 can hold them. */
final class Surrogates {
    private Surrogates() {
    }

    /** The text with U+FFFD for each surrogate that lacks its other half; the same text if there is none. */
    static String paired(String text) {
        StringBuilder changed = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
                continue;
            }
            changed = changed == null ? new StringBuilder(text) : changed;
            changed.setCharAt(i, '\uFFFD');
        }
        return changed == null ? text : changed.toString();
    }

    /**
     * Where each code point of a text begins in Java chars, and where the text ends; null if every code point is one char.
     *
     * @param text without lone surrogates
     */
    static int[] unitsOfCodePoints(String text) {
        int count = text.codePointCount(0, text.length());
        if (count == text.length()) {
            return null;
        }
        int[] units = new int[count + 1];
        for (int i = 0, at = 0; i <= count; i++) {
            units[i] = at;
            at += at < text.length() ? Character.charCount(text.codePointAt(at)) : 0;
        }
        return units;
    }
}
