package dev.gatun.models.tokenize;

import dev.gatun.models.checkpoint.Clip;
import dev.gatun.models.checkpoint.WeightException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Pieces put together again. Immutable. */
final class PieceText {
    private final Map<Integer, String> tokens;
    private final Set<String> silent;
    private final TokenTable.Writing writing;
    private final boolean cleans;
    private final boolean strips;

    /**
     * Of these tokens.
     *
     * @param tokens by id
     * @param silent tokens that have no text
     * @param cleans whether spaces before punctuation are taken away, as {@code clean_up_tokenization_spaces} says
     * @param strips whether a text loses white space at its ends
     */
    PieceText(Map<Integer, String> tokens, Set<String> silent, TokenTable.Writing writing, boolean cleans, boolean strips) {
        this.tokens = tokens;
        this.silent = silent;
        this.writing = writing;
        this.cleans = cleans;
        this.strips = strips;
    }

    /** Tokens by their ids. */
    static Map<Integer, String> byId(Map<String, Integer> ids) {
        Map<Integer, String> tokens = new HashMap<>();
        ids.forEach((token, id) -> tokens.put(id, token));
        return tokens;
    }

    void requireVocabulary(Path file, int size) {
        require(file, tokens, size);
    }

    static void require(Path file, Map<Integer, String> tokens, int size) {
        int last = Collections.max(tokens.keySet());
        if (last >= size) {
            throw new WeightException(file, "has the token " + Clip.text(tokens.get(last)) + " with the id " + last
                    + ", but the model's vocabulary has " + size + " (vocab_size): it is of another model");
        }
    }

    String text(int[] generated, Set<Integer> special) {
        StringBuilder text = new StringBuilder();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        boolean first = true;
        for (int id : generated) {
            if (special.contains(id) || !tokens.containsKey(id) || silent.contains(tokens.get(id))) {
                continue;
            }
            String token = tokens.get(id);
            switch (writing) {
                case PLAIN -> text.append(first ? "" : " ").append(token);
                case METASPACE -> text.append(token.replace("\u2581", first ? "" : " "));
                case BYTES -> bytes.writeBytes(TokenTable.byteValues(token));
            }
            first = false;
        }
        String whole = writing == TokenTable.Writing.BYTES ? bytes.toString(StandardCharsets.UTF_8) : text.toString();
        String stripped = strips ? whole.strip() : whole;
        return cleans ? clean(stripped) : stripped;
    }

    private static String clean(String text) {
        return text.replace(" .", ".").replace(" ?", "?").replace(" !", "!").replace(" ,", ",").replace(" ' ", "'").replace(" n't", "n't")
                .replace(" 'm", "'m").replace(" 's", "'s").replace(" 've", "'ve").replace(" 're", "'re");
    }
}
