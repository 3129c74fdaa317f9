package dev.gatun.models.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.Clip;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes a {@code tokenizer.json} fit to be handed to the tokenizers library: whole JSON with the sections that it needs, without its
 * decoder, which is not needed here and in which the library ends the process over an error.
 */
final class TokenizerJson {
    private static final List<String> MODELS = List.of("WordPiece", "BPE", "Unigram", "WordLevel");

    private TokenizerJson() {
    }

    /**
     * A definition for the tokenizers library.
     *
     * @param json          as text
     * @param truncatesLeft the side at which tokenizer.json cuts texts, unless the folder says otherwise
     * @param examples      texts of which one at least makes a token
     * @param last          the token with the largest id
     * @param lastId        its id
     */
    record Source(String json, boolean truncatesLeft, List<String> examples, String last, int lastId) {
    }

    /**
     * Reads and checks a folder's tokenizer.json, or makes one of its other files.
     *
     * @param lowerCase whether a lower-casing step comes first
     * @throws WeightException if there is none, or it is damaged
     */
    static Source read(Path file, TokenizerSettings settings, boolean lowerCase) {
        if (!JsonFiles.present(file)) {
            return source(file, Definition.of(settings, Vocabulary.ofFiles(file.getParent(), settings.kind(), settings), null, true), false,
                    lowerCase);
        }
        return of(file, parsed(file), settings, lowerCase);
    }

    /** Of a tokenizer.json that stands alone, without what puts special tokens around texts. */
    static Source bare(Path file) {
        ObjectNode tokenizer = parsed(file);
        tokenizer.putNull("post_processor");
        return of(file, tokenizer, TokenizerSettings.none(file), false);
    }

    private static ObjectNode parsed(Path file) {
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
        return tokenizer;
    }

    private static Source of(Path file, ObjectNode tokenizer, TokenizerSettings settings, boolean lowerCase) {
        boolean left = tokenizer.path("truncation").path("direction").asText().equals("Left");
        Vocabulary vocabulary = Vocabulary.ofJson(file, tokenizer, settings.kind());
        if (settings.kind() == TokenizerKind.GENERAL) {
            return source(file, Definition.general(settings, vocabulary, tokenizer), left, lowerCase);
        }
        return source(file, Definition.of(settings, vocabulary, tokenizer.get("post_processor"), false), left, lowerCase);
    }

    static Source source(Path file, ObjectNode tokenizer, boolean left, boolean lowerCase) {
        requireModel(file, tokenizer.path("model"));
        TokenizerChecks.check(file, tokenizer);
        if (lowerCase) {
            Definition.lowerCase(tokenizer);
        }
        tokenizer.putNull("decoder");
        tokenizer.putNull("truncation");
        tokenizer.putNull("padding");
        List<String> examples = new ArrayList<>(List.of("a", "1", "."));
        tokenizer.path("added_tokens").forEach(token -> examples.add(token.path("content").asText()));
        Map<String, Integer> ids = new HashMap<>();
        JsonNode words = tokenizer.path("model").path("vocab");
        words.properties().forEach(word -> ids.put(word.getKey(), word.getValue().asInt()));
        if (words.isArray() && !words.isEmpty()) {
            ids.put(words.get(words.size() - 1).path(0).asText(), words.size() - 1);
        }
        tokenizer.path("added_tokens").forEach(token -> ids.put(token.path("content").asText(), token.path("id").asInt()));
        Map.Entry<String, Integer> last = ids.entrySet().stream().max(Map.Entry.comparingByValue()).orElse(Map.entry("", -1));
        return new Source(tokenizer.toString(), left, examples, last.getKey(), last.getValue());
    }

    /** What the library would say of some texts only, or not at all. */
    private static void requireModel(Path file, JsonNode model) {
        String type = model.path("type").asText("");
        String unknown = model.path("unk_token").asText("[UNK]");
        if ((type.equals("WordPiece") || type.equals("WordLevel")) && !model.path("vocab").has(unknown)) {
            throw new WeightException(file, "has no token " + Clip.text(unknown) + " in its vocabulary, which stands for unknown words");
        }
        if (model.path("dropout").asDouble(0) != 0) {
            throw new WeightException(file, "model.dropout is " + model.get("dropout")
                    + ", expected none: a text would have other tokens each time");
        }
    }
}
