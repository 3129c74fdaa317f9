package dev.gatun.models.checkpoint;

/** Values of files in messages: a file is never trusted, not even to be short. Stateless. */
public final class Clip {
    private static final int LONGEST = 80;

    private Clip() {
    }

    /** At most 80 characters on one line. */
    public static String text(Object value) {
        String text = String.valueOf(value);
        int shown = Math.min(text.length(), LONGEST);
        StringBuilder line = new StringBuilder(shown);
        for (int i = 0; i < shown; i++) {
            char c = text.charAt(i);
            line.append(Character.isISOControl(c) ? '?' : c);
        }
        return text.length() > LONGEST ? line + "... (" + text.length() + " characters)" : line.toString();
    }
}
