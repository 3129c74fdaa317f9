package dev.gatun.models.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a folder says of its tokenizer beside the vocabulary: {@code tokenizer_config.json}, {@code special_tokens_map.json},
 * {@code added_tokens.json}, and the class that {@code config.json} implies.
 *
 * @param kind    the tokenizer's class
 * @param fields  of tokenizer_config.json
 * @param named   special tokens by their fields' names, in transformers' order
 * @param extra   special tokens without names, or null if the folder says nothing of them
 * @param added   added tokens by their ids, or null if the folder leaves them to tokenizer.json
 * @param typed   whether a model is given token types; otherwise all are 0
 */
record TokenizerSettings(TokenizerKind kind, ConfigFields fields, Map<String, AddedToken> named, List<AddedToken> extra,
        TreeMap<Integer, AddedToken> added, boolean typed) {
    private static final Set<TokenizerKind> LSTRIPPED_MASKS = Set.of(TokenizerKind.MPNET, TokenizerKind.CAMEMBERT, TokenizerKind.MBART,
            TokenizerKind.MBART50, TokenizerKind.NLLB);
    private static final List<String> NAMES =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");

    /** Of a tokenizer.json that stands alone. */
    static TokenizerSettings none(Path file) {
        return new TokenizerSettings(TokenizerKind.GENERAL, ConfigFields.of(file, MissingNode.getInstance()), Map.of(), null, null, true);
    }

    /**
     * Reads a folder's.
     *
     * @throws WeightException if a file is damaged, or says what is not served
     */
    static TokenizerSettings read(Path folder) {
        Path file = folder.resolve("tokenizer_config.json");
        JsonNode json = JsonFiles.optional(file);
        ConfigFields fields = ConfigFields.of(file, json);
        fields.require("split_special_tokens", false);
        ConfigFields config = ConfigFields.of(folder.resolve("config.json"), JsonFiles.optional(folder.resolve("config.json")));
        String said = fields.text("tokenizer_class", config.text("tokenizer_class", ""));
        TokenizerKind kind = TokenizerKind.of(file, said, config.text("model_type", ""));
        JsonNode map = json.hasNonNull("added_tokens_decoder") ? MissingNode.getInstance()
                : JsonFiles.optional(folder.resolve("special_tokens_map.json"));
        Map<String, AddedToken> named = named(folder, kind, json, map);
        List<AddedToken> extra = extra(folder, json, map);
        List<String> inputs = fields.texts("model_input_names");
        return new TokenizerSettings(kind, fields, named, extra, added(folder, json, named, extra), inputs == null ? kind.typed
                : inputs.contains("token_type_ids"));
    }

    private static Map<String, AddedToken> named(Path folder, TokenizerKind kind, JsonNode json, JsonNode map) {
        Map<String, AddedToken> named = new LinkedHashMap<>();
        for (String name : NAMES) {
            JsonNode said = map.has(name) ? map.get(name) : json.get(name);
            if (said != null && !said.isNull()) {
                named.put(name, AddedToken.of(folder.resolve(map.has(name) ? "special_tokens_map.json" : "tokenizer_config.json"), name,
                        said, true));
            } else if (said == null && kind.tokens().containsKey(name)) {
                named.put(name, AddedToken.special(kind.tokens().get(name)));
            } else {
                continue;
            }
            boolean text = said == null || said.isTextual();
            if (text && name.equals("mask_token") && LSTRIPPED_MASKS.contains(kind)) {
                named.computeIfPresent(name, (key, token) -> token.withLstrip());
            } else if (text && kind == TokenizerKind.SIGLIP) {
                named.computeIfPresent(name, (key, token) -> token.withLstrip().withRstrip());
            }
        }
        return named;
    }

    private static List<AddedToken> extra(Path folder, JsonNode json, JsonNode map) {
        for (String name : new String[] {"extra_special_tokens", "additional_special_tokens"}) {
            JsonNode said = map.hasNonNull(name) ? map.get(name) : json.get(name);
            if (said != null && (said.isArray() || said.isObject()) && !said.isEmpty()) {
                List<AddedToken> tokens = new ArrayList<>();
                said.forEach(token -> tokens.add(AddedToken.of(folder.resolve("tokenizer_config.json"), name, token, true)));
                return tokens;
            }
        }
        return null;
    }

    private static TreeMap<Integer, AddedToken> added(Path folder, JsonNode json, Map<String, AddedToken> named, List<AddedToken> extra) {
        TreeMap<Integer, AddedToken> added = new TreeMap<>();
        if (json.hasNonNull("added_tokens_decoder")) {
            Path file = folder.resolve("tokenizer_config.json");
            json.get("added_tokens_decoder").properties()
                    .forEach(entry -> added.put(id(file, entry.getKey()), AddedToken.of(file, "added_tokens_decoder",
                    entry.getValue(), false)));
            return added;
        }
        Path file = folder.resolve("added_tokens.json");
        JsonNode tokens = JsonFiles.optional(file);
        if (tokens.isMissingNode()) {
            return null;
        }
        tokens.properties().forEach(entry -> {
            boolean special = named.values().stream().anyMatch(token -> token.content().equals(entry.getKey()))
                    || extra != null && extra.stream().anyMatch(token -> token.content().equals(entry.getKey()));
            added.put(id(file, entry.getValue().asText()), new AddedToken(entry.getKey(), false, false, false, !special, special));
        });
        return added;
    }

    private static int id(Path file, String text) {
        if (!text.matches("[0-9]{1,9}")) {
            throw new WeightException(file, "has an added token of id " + text + ", expected an integer of 0 or more");
        }
        return Integer.parseInt(text);
    }

    /** {@code added_tokens_decoder} is there: nothing else adds tokens, not even tokenizer.json. */
    boolean decidesAdded() {
        return fields.has("added_tokens_decoder");
    }

    /** {@code model_max_length}, or the largest number. */
    int modelMaxLength() {
        // Written as 1e30 where there is no limit.
        double longest = fields.number("model_max_length", fields.number("max_len", Integer.MAX_VALUE));
        return longest < 1 || longest > Integer.MAX_VALUE ? Integer.MAX_VALUE : (int) longest;
    }

    /** {@code truncation_side}, or another one if it says nothing. */
    boolean truncatesLeft(boolean otherwise) {
        return fields.choice("truncation_side", otherwise, Map.of("left", true, "right", false));
    }

    /** A special token's text. */
    String token(String name) {
        AddedToken token = named.get(name);
        if (token == null) {
            throw fields.error(name, "a text: the tokenizer's class needs it");
        }
        return token.content();
    }

    /** A flag, or null if the folder does not say. */
    Boolean flag(String name) {
        return fields.has(name) ? Boolean.valueOf(fields.flag(name, false)) : null;
    }

    /** A flag, or what the class means where the folder does not say. */
    boolean flag(String name, boolean otherwise) {
        return fields.flag(name, otherwise);
    }

    /** How many sentinels T5's class has. */
    int extraIds() {
        return fields.integer("extra_ids", 0, 1 << 16, 100);
    }
}
