package dev.gatun.models.seq2seq;

import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/** Cuts a text that is too long into parts that are not: at sentences, a sentence at words, a word anywhere. */
final class SentenceParts {
    private final Predicate<String> fits;
    private final Locale locale;

    /**
     * Rules of cutting.
     *
     * @param fits   whether a part is short enough
     * @param locale whose sentences they are
     */
    SentenceParts(Predicate<String> fits, Locale locale) {
        this.fits = fits;
        this.locale = locale;
    }

    /** The text alone if it fits; else as few parts as follow each other, without white space at their ends. */
    List<String> of(String text) {
        return fits.test(text) ? List.of(text) : packed(text, BreakIterator.getSentenceInstance(locale), true);
    }

    private List<String> packed(String text, BreakIterator breaks, boolean sentences) {
        breaks.setText(text);
        List<String> parts = new ArrayList<>();
        int from = 0;
        int end = 0;
        for (int next = breaks.next(); next != BreakIterator.DONE; next = breaks.next()) {
            if (end > from && !fits.test(text.substring(from, next).strip())) {
                add(parts, text.substring(from, end).strip(), sentences);
                from = end;
            }
            end = next;
        }
        add(parts, text.substring(from).strip(), sentences);
        return parts;
    }

    private void add(List<String> parts, String part, boolean sentences) {
        if (part.isEmpty()) {
            return;
        }
        if (fits.test(part)) {
            parts.add(part);
        } else if (sentences) {
            parts.addAll(packed(part, BreakIterator.getLineInstance(locale), false));
        } else if (part.codePointCount(0, part.length()) > 1) {
            int middle = part.offsetByCodePoints(0, part.codePointCount(0, part.length()) / 2);
            add(parts, part.substring(0, middle), false);
            add(parts, part.substring(middle), false);
        } else {
            throw new IllegalArgumentException("'" + part + "' alone has more tokens than a text may have");
        }
    }
}
