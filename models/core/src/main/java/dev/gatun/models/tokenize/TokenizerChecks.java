package dev.gatun.models.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gatun.models.checkpoint.Clip;
import dev.gatun.models.checkpoint.WeightException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.BitSet;
import java.util.Deque;

/** Refuses definitions over which the tokenizers library ends the process instead of saying what is wrong. */
final class TokenizerChecks {
    private TokenizerChecks() {
    }

    /**
     * Checks a whole definition.
     *
     * @throws WeightException naming what is wrong
     */
    static void check(Path file, JsonNode json) {
        visit(file, json.path("normalizer"));
        visit(file, json.path("pre_tokenizer"));
        visit(file, json.path("post_processor"));
    }

    private static void visit(Path file, JsonNode node) {
        switch (node.path("type").asText("")) {
            case "Precompiled" -> charsmap(file, node.path("precompiled_charsmap"));
            case "TemplateProcessing" -> {
                template(file, node, "single");
                template(file, node, "pair");
            }
            default -> { }
        }
        node.forEach(child -> visit(file, child));
    }

    private static void template(Path file, JsonNode node, String name) {
        for (JsonNode part : node.path(name)) {
            String token = part.path("SpecialToken").path("id").asText(null);
            JsonNode special = node.path("special_tokens").path(token == null ? "" : token);
            if (token != null && (!special.path("ids").isArray() || special.path("ids").size() != special.path("tokens").size())) {
                throw new WeightException(file, "post_processor." + name + " has the token " + Clip.text(token)
                        + ", of which special_tokens has no ids");
            }
        }
    }

    /**
     * A character map: the byte size of a double-array trie, the trie, and the texts that its values point into. Every byte of a text may
     * follow every node that can be reached, so all of these must lie within the trie.
     */
    private static void charsmap(Path file, JsonNode node) {
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(node.asText(""));
        } catch (IllegalArgumentException e) {
            throw damaged(file, "is not base 64");
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int size = bytes.length < 4 ? -1 : buffer.getInt();
        if (size < 4 || size % 4 != 0 || size > bytes.length - 4) {
            throw damaged(file, "has " + bytes.length + " bytes, of which its trie has " + size);
        }
        int[] units = new int[size / 4];
        buffer.asIntBuffer().get(units);
        int texts = 4 + size;
        BitSet seen = new BitSet();
        Deque<Integer> open = new ArrayDeque<>();
        open.push(offset(units[0]));
        while (!open.isEmpty()) {
            int at = open.pop();
            if (at < 0 || (at | 255) >= units.length) {
                throw damaged(file, "has a node at " + at + " of " + units.length);
            }
            if (seen.get(at)) {
                continue;
            }
            seen.set(at);
            for (int label = 1; label < 256; label++) {
                int unit = units[at ^ label];
                if ((unit & 0x8000_00ff) == label) {
                    int next = at ^ label ^ offset(unit);
                    open.push(next);
                    if ((unit >>> 8 & 1) == 1) {
                        requireText(file, bytes, texts, next < units.length ? units[next] & 0x7fff_ffff : -1);
                    }
                }
            }
        }
    }

    private static int offset(int unit) {
        return unit >>> 10 << ((unit & 1 << 9) >>> 6);
    }

    private static void requireText(Path file, byte[] bytes, int texts, int value) {
        if (value < 0 || value >= bytes.length - texts || (bytes[texts + value] & 0xc0) == 0x80) {
            throw damaged(file, "points at " + value + " of " + (bytes.length - texts) + " bytes of texts");
        }
    }

    private static WeightException damaged(Path file, String what) {
        return new WeightException(file, "normalizer.precompiled_charsmap " + what);
    }
}
