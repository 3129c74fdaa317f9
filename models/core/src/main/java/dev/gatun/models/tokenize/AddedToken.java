package dev.gatun.models.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.WeightException;
import java.nio.file.Path;

/**
 * A token that is found in a text before the text is split.
 *
 * @param content    the text that it stands for
 * @param singleWord whether it must stand alone
 * @param lstrip     whether spaces before it belong to it
 * @param rstrip     whether spaces behind it belong to it
 * @param normalized whether it is looked for in the normalized text
 * @param special    whether it is special
 */
record AddedToken(String content, boolean singleWord, boolean lstrip, boolean rstrip, boolean normalized, boolean special) {
    static AddedToken special(String content) {
        return new AddedToken(content, false, false, false, false, true);
    }

    AddedToken withLstrip() {
        return new AddedToken(content, singleWord, true, rstrip, normalized, special);
    }

    AddedToken withRstrip() {
        return new AddedToken(content, singleWord, lstrip, true, normalized, special);
    }

    AddedToken asSpecial() {
        return new AddedToken(content, singleWord, lstrip, rstrip, normalized, true);
    }

    /** A text, or an object with a content; where it does not say so, it is normalized unless special. */
    static AddedToken of(Path file, String field, JsonNode node, boolean special) {
        if (node.isTextual()) {
            return new AddedToken(node.textValue(), false, false, false, !special, special);
        }
        if (!node.path("content").isTextual()) {
            throw new WeightException(file, field + " is " + node.getNodeType() + ", expected a text or an object with a content");
        }
        boolean is = special || node.path("special").asBoolean(false);
        return new AddedToken(node.get("content").textValue(), node.path("single_word").asBoolean(false),
                node.path("lstrip").asBoolean(false),
                node.path("rstrip").asBoolean(false), node.path("normalized").asBoolean(!is), is);
    }

    void write(ObjectNode node, int id) {
        node.put("id", id).put("content", content).put("single_word", singleWord).put("lstrip", lstrip).put("rstrip", rstrip)
                .put("normalized", normalized).put("special", special);
    }
}
