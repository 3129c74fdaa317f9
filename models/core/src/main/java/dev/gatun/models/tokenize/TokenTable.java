package dev.gatun.models.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * The tokens of a folder's {@code tokenizer.json} by their ids, and which of them are special. Immutable and thread-safe.
 *
 * @param tokens           by id
 * @param writing          how tokens are written
 * @param marksSubwords    whether tokens that continue a word begin with a prefix, as WordPiece's
 * @param maskToken        {@code mask_token} as it stands in texts, or null
 * @param unknownId        id of {@code unk_token}, or -1
 */
public record TokenTable(Map<Integer, String> tokens, Writing writing, boolean marksSubwords, String maskToken, int unknownId) {

    /** How tokens are written. */
    public enum Writing {
        /** As they are. */
        PLAIN,
        /** A space is U+2581, and the first one belongs to no text. */
        METASPACE,
        /** Each byte is a character. */
        BYTES
    }

    /** Copies the map. */
    public TokenTable {
        tokens = Map.copyOf(tokens);
    }

    /**
     * Reads a folder's.
     *
     * @throws WeightException if tokenizer.json is missing or damaged
     */
    public static TokenTable read(Path folder) {
        Path file = folder.resolve("tokenizer.json");
        if (!Files.isRegularFile(file)) {
            throw new WeightException(file, "does not exist; the words of the tokenizer are expected there");
        }
        JsonNode json = JsonFiles.object(file);
        JsonNode model = json.path("model");
        Map<Integer, String> tokens = new HashMap<>();
        if (model.path("vocab").isArray()) {
            for (int i = 0; i < model.path("vocab").size(); i++) {
                tokens.put(i, model.path("vocab").get(i).path(0).asText());
            }
        } else {
            model.path("vocab").properties().forEach(entry -> tokens.put(entry.getValue().asInt(), entry.getKey()));
        }
        json.path("added_tokens").forEach(token -> tokens.put(token.path("id").asInt(), token.path("content").asText()));
        String unknown = special(folder, "unk_token");
        int unknownId = tokens.entrySet().stream().filter(e -> e.getValue().equals(unknown)).mapToInt(Map.Entry::getKey).findFirst()
                .orElse(-1);
        String decoder = json.path("decoder").toString();
        Writing writing = decoder.contains("\"ByteLevel\"") ? Writing.BYTES : decoder.contains("\"Metaspace\"") ? Writing.METASPACE
                : Writing.PLAIN;
        return new TokenTable(tokens, writing, !model.path("continuing_subword_prefix").asText("").isEmpty(), special(folder, "mask_token"),
                unknownId);
    }

    /** A special token that tokenizer_config.json, or else special_tokens_map.json, names; null if neither does. */
    private static String special(Path folder, String name) {
        for (String file : new String[] {"tokenizer_config.json", "special_tokens_map.json"}) {
            JsonNode node = JsonFiles.optional(folder.resolve(file)).path(name);
            if (node.isTextual() || node.path("content").isTextual()) {
                return node.isTextual() ? node.textValue() : node.path("content").textValue();
            }
        }
        return null;
    }

    /** The id of the mask, or -1. */
    public int maskId() {
        return tokens.entrySet().stream().filter(e -> e.getValue().equals(maskToken)).mapToInt(Map.Entry::getKey).findFirst().orElse(-1);
    }

    /** A token as the tokenizer has it. */
    public String token(int id) {
        return tokens.getOrDefault(id, "");
    }

    /** A token as it reads in a text, alone. */
    public String text(int id) {
        String token = token(id);
        return switch (writing) {
            case PLAIN -> token;
            case METASPACE -> (token.startsWith("▁") ? token.substring(1) : token).replace('▁', ' ');
            case BYTES -> bytes(token);
        };
    }

    private static String bytes(String token) {
        return new String(byteValues(token), StandardCharsets.UTF_8);
    }

    /**
     * The bytes that a token stands for in GPT-2's characters: those that print stand for themselves, the others follow from U+0100 on; a
     * token with another character stands for itself.
     */
    static byte[] byteValues(String token) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < token.length(); i++) {
            int value = token.charAt(i);
            if (!prints(value)) {
                int other = -1;
                for (int b = 0, n = value - 256; b < 256 && n >= 0; b++) {
                    if (!prints(b) && n-- == 0) {
                        other = b;
                    }
                }
                if (other < 0) {
                    return token.getBytes(StandardCharsets.UTF_8);
                }
                value = other;
            }
            bytes.write(value);
        }
        return bytes.toByteArray();
    }

    private static boolean prints(int value) {
        return value >= '!' && value <= '~' || value >= 0xa1 && value <= 0xff && value != 0xad;
    }
}
