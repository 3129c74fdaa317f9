package dev.gatun.models.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Makes the definition that a tokenizer's class of transformers makes of a vocabulary, for the tokenizers library. */
final class Definition {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String WORDS_OF_QWEN =
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
            + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String WORDS_OF_CLIP =
            "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

    private static final String PUNCTUATION = "[!-/:-@\\[-`{-~]";

    private final TokenizerSettings settings;
    private final Vocabulary vocabulary;
    private final Map<String, Integer> ids;
    private final Map<String, Integer> addedIds = new LinkedHashMap<>();
    private final ObjectNode json = JSON.createObjectNode();

    private Definition(TokenizerSettings settings, Vocabulary vocabulary) {
        this.settings = settings;
        this.vocabulary = vocabulary;
        this.ids = vocabulary.ids();
    }

    /**
     * The definition.
     *
     * @param postProcessor tokenizer.json's, or null; some classes keep it
     * @param fromFiles     whether there is no tokenizer.json
     */
    static ObjectNode of(TokenizerSettings settings, Vocabulary vocabulary, JsonNode postProcessor, boolean fromFiles) {
        Definition made = new Definition(settings, vocabulary);
        made.json.put("version", "1.0");
        made.json.set("model", made.model());
        made.json.set("normalizer", made.normalizer());
        made.json.set("pre_tokenizer", made.preTokenizer());
        ArrayNode list = made.json.putArray("added_tokens");
        made.added(fromFiles).forEach(token -> made.add(list, token));
        made.json.set("post_processor", made.postProcessor(postProcessor, fromFiles));
        return made.json;
    }

    private ObjectNode model() {
        return switch (settings.kind()) {
            case BERT, DISTILBERT, MPNET -> {
                ObjectNode model = node("WordPiece").put("unk_token", settings.token("unk_token")).put("continuing_subword_prefix", "##")
                        .put("max_input_chars_per_word", 100);
                model.set("vocab", vocabulary.words());
                yield model;
            }
            case ROBERTA, GPT2, QWEN2, CLIP, NLLB, LLAMA -> {
                boolean nllb = settings.kind() == TokenizerKind.NLLB;
                boolean llama = settings.kind() == TokenizerKind.LLAMA;
                boolean clip = settings.kind() == TokenizerKind.CLIP;
                ObjectNode model = node("BPE").put("continuing_subword_prefix", "").put("end_of_word_suffix", clip ? "</w>" : "")
                        .put("unk_token", clip || nllb ? settings.token("unk_token") : null).put("fuse_unk", nllb || llama)
                        .put("byte_fallback", llama);
                model.set("vocab", vocabulary.words());
                model.set("merges", vocabulary.merges());
                yield model;
            }
            default -> {
                ObjectNode model = node("Unigram").put("unk_id", unkId()).put("byte_fallback", false);
                model.set("vocab", vocabulary.words());
                yield model;
            }
        };
    }

    private int unkId() {
        return switch (settings.kind()) {
            case XLM_ROBERTA, MBART, MBART50 -> 3;
            case T5 -> 2;
            case SIGLIP -> ids.getOrDefault(settings.token("unk_token"), vocabulary.unkId());
            case CAMEMBERT, PEGASUS -> ids.getOrDefault(settings.token("unk_token"), 0);
            case DEBERTA_V2 -> {
                int said = settings.fields().integer("unk_id", 0, Integer.MAX_VALUE, vocabulary.unkId() == 0 ? 1 : vocabulary.unkId());
                Integer id = ids.get(settings.token("unk_token"));
                yield id != null && vocabulary.words().get(id).get(1).doubleValue() == 0 ? id : said;
            }
            default -> 1;
        };
    }

    private ObjectNode normalizer() {
        ArrayNode steps = JSON.createArrayNode();
        switch (settings.kind()) {
            case BERT, DISTILBERT, MPNET -> steps.add(node("BertNormalizer").put("clean_text", true)
                    .put("handle_chinese_chars", settings.flag("tokenize_chinese_chars", true))
                            .put("strip_accents", settings.flag("strip_accents"))
                    .put("lowercase", settings.flag("do_lower_case", true)));
            case QWEN2 -> steps.add(node("NFC"));
            case CLIP -> steps.add(node("NFC")).add(replace("Regex", "\\s+", " ")).add(node("Lowercase"));
            case ALBERT -> {
                steps.add(replace("String", "``", "\"")).add(replace("String", "''", "\""));
                if (!settings.flag("keep_accents", false)) {
                    steps.add(node("NFKD")).add(node("StripAccents"));
                }
                if (settings.flag("do_lower_case", true)) {
                    steps.add(node("Lowercase"));
                }
            }
            case DEBERTA_V2 -> {
                if (settings.flag("do_lower_case", false)) {
                    steps.add(node("Lowercase"));
                }
                steps.add(replace("Regex", "\\s{2,}|[\\n\\r\\t]", " ")).add(node("NFC"))
                        .add(node("Strip").put("strip_left", false).put("strip_right", true));
            }
            case MBART50, NLLB, PEGASUS -> {
                if (vocabulary.charsmap() != null) {
                    steps.add(node("Precompiled").put("precompiled_charsmap", vocabulary.charsmap()));
                } else if (settings.kind() == TokenizerKind.PEGASUS) {
                    steps.add(replace("Regex", "\\n", " "));
                }
                if (!steps.isEmpty() || settings.kind() == TokenizerKind.MBART50) {
                    steps.add(replace("Regex", " {2,}", " "));
                }
            }
            case SIGLIP -> {
                if (settings.flag("do_lower_case", true)) {
                    steps.add(node("Lowercase"));
                }
                steps.add(replace("Regex", PUNCTUATION, "")).add(replace("Regex", "\\s+", " "))
                        .add(replace("Regex", "\\A |[\u2581 ]+\\z", ""));
            }
            default -> { }
        }
        boolean mapped = settings.kind().mapped && vocabulary.words().isArray();
        if (vocabulary.charsmap() != null && mapped) {
            steps.add(node("Precompiled").put("precompiled_charsmap", vocabulary.charsmap()));
        }
        return steps.isEmpty() ? null : steps.size() == 1 ? (ObjectNode) steps.get(0) : node("Sequence").set("normalizers", steps);
    }

    private ObjectNode preTokenizer() {
        boolean llama = settings.kind() == TokenizerKind.LLAMA;
        boolean prefix = settings.flag("add_prefix_space", llama || vocabulary.words().isArray());
        return switch (settings.kind()) {
            case BERT, DISTILBERT, MPNET -> node("BertPreTokenizer");
            case ROBERTA, GPT2 -> bytes(prefix, true);
            case QWEN2 -> sequence(split(WORDS_OF_QWEN, "Isolated", false), bytes(prefix, false));
            case LLAMA -> spaces(!prefix ? "never" : settings.flag("legacy", false) ? "always" : "first").put("split", false);
            case CLIP -> sequence(split(WORDS_OF_CLIP, "Removed", true), bytes(false, true));
            case DEBERTA_V2 -> {
                ObjectNode spaces = spaces(prefix ? "always" : "first");
                yield settings.flag("split_by_punct", false) ? sequence(node("Punctuation").put("behavior", "Isolated"), spaces)
                        : sequence(spaces);
            }
            case T5, MBART -> sequence(node("WhitespaceSplit"), spaces("always"));
            case MBART50, NLLB, PEGASUS -> spaces("always");
            // What stands before a text is put there before special tokens are looked for.
            case SIGLIP -> spaces("never");
            default -> sequence(node("WhitespaceSplit"), spaces(prefix ? "always" : "never"));
        };
    }

    /** A tokenizer.json as it is, with the tokens that the folder names beside it. */
    static ObjectNode general(TokenizerSettings settings, Vocabulary vocabulary, ObjectNode json) {
        Definition made = new Definition(settings, vocabulary);
        ArrayNode list = json.path("added_tokens") instanceof ArrayNode present ? present : json.putArray("added_tokens");
        list.forEach(token -> made.addedIds.put(token.path("content").asText(), token.path("id").asInt()));
        made.added(true).forEach(token -> made.add(list, token));
        return json;
    }

    /** Puts a lower-casing step before the normalizer, unless it is or has one, as sentence-transformers does. */
    static void lowerCase(ObjectNode json) {
        JsonNode normalizer = json.path("normalizer");
        List<JsonNode> steps = new ArrayList<>();
        if (normalizer.path("type").asText().equals("Sequence")) {
            normalizer.path("normalizers").forEach(steps::add);
        } else if (normalizer.isObject()) {
            steps.add(normalizer);
        }
        if (steps.stream().noneMatch(step -> step.path("type").asText().equals("Lowercase"))) {
            steps.addFirst(node("Lowercase"));
            json.set("normalizer", node("Sequence").set("normalizers", JSON.createArrayNode().addAll(steps)));
        }
    }

    /** In transformers' order: by id, then those with names, then the others. */
    private List<AddedToken> added(boolean fromFiles) {
        TreeMap<Integer, AddedToken> byId = settings.added() == null ? new TreeMap<>() : new TreeMap<>(settings.added());
        if (!fromFiles && !settings.decidesAdded()) {
            byId.putAll(vocabulary.added());
        }
        List<AddedToken> list = new ArrayList<>(byId.values());
        list.addAll(settings.named().values());
        list.addAll(settings.extra() != null ? settings.extra() : extra(fromFiles));
        Set<String> named = settings.named().values().stream().map(AddedToken::content).collect(Collectors.toSet());
        return list.stream().map(token -> named.contains(token.content()) ? token.asSpecial() : token).toList();
    }

    /** What the class adds where the folder does not say: a sentencepiece model's own tokens, T5's sentinels, languages, gaps. */
    private List<AddedToken> extra(boolean fromFiles) {
        boolean own = fromFiles && settings.kind() != TokenizerKind.SIGLIP;
        List<AddedToken> list = new ArrayList<>(own ? vocabulary.added().values() : List.of());
        if (settings.kind() == TokenizerKind.T5 && list.stream().noneMatch(token -> token.content().contains("<extra_id_"))) {
            IntStream.range(0, settings.extraIds()).forEach(i -> list.add(AddedToken.special("<extra_id_" + i + ">")));
        } else if (fromFiles && settings.kind() == TokenizerKind.PEGASUS) {
            list.add(AddedToken.special("<mask_1>"));
            IntStream.range(2, Vocabulary.PEGASUS_OFFSET).forEach(i -> list.add(AddedToken.special("<unk_" + i + ">")));
        } else if (fromFiles && (settings.kind() == TokenizerKind.MBART || settings.kind() == TokenizerKind.MBART50)) {
            Vocabulary.languages(settings.kind()).forEach(code -> list.add(AddedToken.special(code)));
        } else if (settings.kind() == TokenizerKind.CAMEMBERT && !fromFiles) {
            List.of("<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED").forEach(token -> list.add(AddedToken.special(token)));
        }
        return list;
    }

    /** As the library counts: an id of the vocabulary, or the next one. */
    private void add(ArrayNode list, AddedToken token) {
        if (token.content().isEmpty() || addedIds.containsKey(token.content())) {
            return;
        }
        int next = Math.max(ids.size(), addedIds.values().stream().mapToInt(id -> id + 1).max().orElse(0));
        int id = ids.getOrDefault(token.content(), next);
        addedIds.put(token.content(), id);
        token.write(list.addObject(), id);
    }

    private ObjectNode postProcessor(JsonNode own, boolean fromFiles) {
        return switch (settings.kind()) {
            case BERT, DISTILBERT, DEBERTA_V2 -> template("cls_token A0 sep_token", "cls_token A0 sep_token B1 sep_token1");
            case ALBERT -> own instanceof ObjectNode kept ? kept
                    : template("cls_token A0 sep_token", "cls_token A0 sep_token B1 sep_token1");
            case XLM_ROBERTA, CAMEMBERT -> template("bos_token A0 eos_token", "bos_token A0 eos_token eos_token B0 eos_token");
            case T5, SIGLIP -> template("A0 eos_token", "A0 eos_token B0 eos_token");
            // Languages stand there too: who encodes says which.
            case PEGASUS, MBART, MBART50, NLLB -> template("A0 eos_token", "A0 B0 eos_token");
            case MPNET -> roberta("sep_token", "cls_token", true, false);
            case ROBERTA -> roberta("sep_token", "cls_token", settings.flag("trim_offsets", true),
                    settings.flag("add_prefix_space", false));
            case CLIP -> roberta("eos_token", "bos_token", false, false);
            default -> own instanceof ObjectNode kept ? kept : ends(fromFiles);
        };
    }

    /** Where neither the class nor tokenizer.json says how: a text's ends as add_bos_token and add_eos_token say. */
    private ObjectNode ends(boolean fromFiles) {
        boolean begin = fromFiles && settings.flag("add_bos_token", false) && settings.named().containsKey("bos_token");
        boolean end = fromFiles && settings.flag("add_eos_token", false) && settings.named().containsKey("eos_token");
        String single = (begin ? "bos_token " : "") + "A0" + (end ? " eos_token" : "");
        return template(single, single + (begin ? " bos_token1" : "") + " B1" + (end ? " eos_token1" : ""));
    }

    private ObjectNode roberta(String sep, String cls, boolean trim, boolean prefix) {
        ObjectNode node = node("RobertaProcessing").put("trim_offsets", trim).put("add_prefix_space", prefix);
        node.putArray("sep").add(settings.token(sep)).add(id(sep));
        node.putArray("cls").add(settings.token(cls)).add(id(cls));
        return node;
    }

    /** Parts: A or B, or a special token's field; then its type, 0 unless it ends in 1. */
    private ObjectNode template(String single, String pair) {
        ObjectNode node = node("TemplateProcessing");
        ObjectNode specials = JSON.createObjectNode();
        node.set("single", parts(single, specials));
        node.set("pair", parts(pair, specials));
        return node.set("special_tokens", specials);
    }

    private ArrayNode parts(String template, ObjectNode specials) {
        ArrayNode parts = JSON.createArrayNode();
        for (String part : template.split(" ")) {
            int type = part.endsWith("1") ? 1 : 0;
            if (part.matches("[AB][01]")) {
                parts.addObject().putObject("Sequence").put("id", part.substring(0, 1)).put("type_id", type);
                continue;
            }
            String name = part.replace("1", "");
            String token = settings.token(name);
            parts.addObject().putObject("SpecialToken").put("id", token).put("type_id", type);
            ObjectNode special = specials.putObject(token).put("id", token);
            special.putArray("ids").add(id(name));
            special.putArray("tokens").add(token);
        }
        return parts;
    }

    private int id(String name) {
        String token = settings.token(name);
        return addedIds.getOrDefault(token, ids.getOrDefault(token, 0));
    }

    private static ObjectNode node(String type) {
        return JSON.createObjectNode().put("type", type);
    }

    private static ObjectNode replace(String kind, String pattern, String content) {
        ObjectNode node = node("Replace").put("content", content);
        node.putObject("pattern").put(kind, pattern);
        return node;
    }

    private static ObjectNode split(String regex, String behavior, boolean invert) {
        ObjectNode node = node("Split").put("behavior", behavior).put("invert", invert);
        node.putObject("pattern").put("Regex", regex);
        return node;
    }

    private static ObjectNode bytes(boolean prefix, boolean regex) {
        return node("ByteLevel").put("add_prefix_space", prefix).put("trim_offsets", true).put("use_regex", regex);
    }

    private static ObjectNode spaces(String scheme) {
        return node("Metaspace").put("replacement", "\u2581").put("prepend_scheme", scheme).put("split", true);
    }

    private static ObjectNode sequence(ObjectNode... steps) {
        return node("Sequence").set("pretokenizers", JSON.createArrayNode().addAll(List.of(steps)));
    }
}
