package dev.gatun.models.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Makes a {@code tokenizer.json} fit to be handed to the tokenizers library: whole JSON with the sections that it needs, without its decoder,
 * which is not needed here and in which the library ends the process over an error.
 */
final class TokenizerJson {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> MODELS = List.of("WordPiece", "BPE", "Unigram", "WordLevel");

    private TokenizerJson() {
    }

    /**
     * Reads and checks a file.
     *
     * @throws WeightException if it is missing or not a tokenizer
     */
    static byte[] read(Path file, TokenizerSettings settings) {
        if (!Files.exists(file)) {
            throw new WeightException(file, "does not exist; the tokenizer is expected there");
        }
        JsonNode json;
        try {
            json = JsonFiles.value(file);
        } catch (WeightException e) {
            throw new WeightException(file, "is not a tokenizer: " + e.getMessage().substring(e.getMessage().indexOf(": ") + 2), e);
        }
        if (!(json instanceof ObjectNode tokenizer) || !tokenizer.path("model").isObject()) {
            throw new WeightException(file, "is not a tokenizer: it has no model");
        }
        String type = tokenizer.path("model").path("type").asText("");
        if (!type.isEmpty() && !MODELS.contains(type)) {
            throw new WeightException(file, "is not a tokenizer: its model is " + type + ", expected one of " + MODELS);
        }
        tokenizer.putNull("decoder");
        tokenizer.putNull("truncation");
        tokenizer.putNull("padding");
        if (settings.rewritesNormalizer() && tokenizer.path("normalizer") instanceof ObjectNode normalizer
                && normalizer.path("type").asText().equals("BertNormalizer")) {
            put(normalizer, "lowercase", settings.lowerCase());
            put(normalizer, "strip_accents", settings.stripAccents());
            put(normalizer, "handle_chinese_chars", settings.chineseChars());
        }
        try {
            return JSON.writeValueAsBytes(tokenizer);
        } catch (IOException e) {
            throw new WeightException(file, "is not a tokenizer: " + e.getMessage(), e);
        }
    }

    private static void put(ObjectNode normalizer, String name, Boolean value) {
        if (value != null) {
            normalizer.put(name, value);
        }
    }
}
