package dev.gatun.models.tokenize;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The languages of a tokenizer, by the codes that people give: mBART's as {@code en_XX}, NLLB's as {@code eng_Latn}, M2M100's as
 * {@code en}, those that an opus-mt model translates to as {@code fra}.
 *
 * @param ids       of the codes' tokens
 * @param source    the code that is meant where none is given; null if the source has none
 * @param ofTargets whether a token before the source says the target's language, rather than the first token of the target
 */
public record Languages(Map<String, Integer> ids, String source, boolean ofTargets) {
    /** None. */
    public static final Languages NONE = new Languages(Map.of(), null, false);

    /** Copies the map. */
    public Languages {
        ids = Map.copyOf(ids);
    }

    /** Those that stand in a vocabulary as a pattern says, whose first group is the code. */
    static Languages in(Map<String, Integer> tokens, String pattern, String source, boolean ofTargets) {
        Map<String, Integer> found = new TreeMap<>();
        Pattern compiled = Pattern.compile(pattern);
        tokens.forEach((token, id) -> {
            Matcher matcher = compiled.matcher(token);
            if (matcher.matches()) {
                found.put(matcher.group(1), id);
            }
        });
        return new Languages(found, source, ofTargets);
    }

    /** Whether there are any. */
    public boolean isEmpty() {
        return ids.isEmpty();
    }

    /**
     * The token of a code.
     *
     * @param what of whom, for messages, as {@code source language}
     * @throws IllegalArgumentException if the model lacks it: says which it has
     */
    public int id(String what, String code) {
        Integer id = ids.get(code);
        if (id == null) {
            throw new IllegalArgumentException(what + " " + code + ": the model has " + (ids.isEmpty() ? "no language codes"
                    : String.join(", ", ids.keySet().stream().sorted().limit(300).toList())));
        }
        return id;
    }
}
