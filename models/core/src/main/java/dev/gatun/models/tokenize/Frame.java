package dev.gatun.models.tokenize;

import java.util.ArrayList;
import java.util.List;

/**
 * What stands around one text, or two, in what a model reads: special tokens and the texts' places, in order.
 *
 * @param parts     in order
 * @param specials  how many special tokens there are
 */
record Frame(List<Part> parts, int specials) {
    /**
     * A special token, or a text's place.
     *
     * @param sequence 0 for the first text, 1 for the second, -1 for a special token
     * @param id       of a special token
     * @param type     token type
     */
    record Part(int sequence, int id, int type) {
    }

    /** Reads it off an example whose texts have one token or more. */
    static Frame of(int[] ids, int[] types, int[] sequences) {
        List<Part> parts = new ArrayList<>();
        int specials = 0;
        for (int i = 0; i < ids.length; i++) {
            if (sequences[i] < 0) {
                parts.add(new Part(-1, ids[i], types[i]));
                specials++;
            } else if (i == 0 || sequences[i - 1] != sequences[i]) {
                parts.add(new Part(sequences[i], 0, types[i]));
            }
        }
        return new Frame(List.copyOf(parts), specials);
    }

    /** Whether each text has exactly one place. */
    boolean holds(int texts) {
        return parts.stream().filter(p -> p.sequence >= 0).count() == texts;
    }

    /** The same where every token has type 0. */
    Frame untyped() {
        return new Frame(parts.stream().map(p -> new Part(p.sequence, p.id, 0)).toList(), specials);
    }

    /**
     * Ids and types of texts within this frame.
     *
     * @param second null for a frame of one text
     */
    TextTokenizer.Tokens tokens(Span first, Span second) {
        return tokens(first, second, first.isPart() || second != null && second.isPart());
    }

    TextTokenizer.Tokens tokens(Span first, Span second, boolean truncated) {
        int count = specials + first.length() + (second == null ? 0 : second.length());
        int[] ids = new int[count];
        int[] types = new int[count];
        int at = 0;
        for (Part part : parts) {
            Span span = part.sequence == 0 ? first : second;
            int length = part.sequence < 0 ? 1 : span.length();
            if (part.sequence < 0) {
                ids[at] = part.id;
            } else {
                System.arraycopy(span.ids(), span.from(), ids, at, length);
            }
            for (int i = 0; part.type != 0 && i < length; i++) {
                types[at + i] = part.type;
            }
            at += length;
        }
        return new TextTokenizer.Tokens(ids, types, truncated);
    }

    /**
     * Some of a text's tokens.
     *
     * @param ids  of the whole text
     * @param from the first that is kept
     * @param to   behind the last that is kept
     */
    record Span(int[] ids, int from, int to) {
        int length() {
            return to - from;
        }

        boolean isPart() {
            return length() < ids.length;
        }
    }
}
