package dev.gatun.models.tokenize;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.Clip;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Texts to what an encoder-decoder model reads, and what it generates to texts, as transformers has it for the folder: a tokenizer.json or
 * spiece.model, Marian's source.spm with vocab.json, M2M100's sentencepiece.bpe.model with vocab.json. Thread-safe; owns native memory.
 */
public final class Seq2SeqTokenizer implements AutoCloseable {
    private final TokenizerKind kind;
    private final TextTokenizer texts;
    private final PieceText pieces;
    private final Set<Integer> special;
    /** Of a tokenizer of two files: ids of its pieces, all ids, and tokens at which texts are split before; otherwise null. */
    private final Map<String, Integer> ids;
    private final Map<String, Integer> all;
    private final List<String> splits;
    private final Path targetFile;
    private final Languages languages;
    private final boolean languageBehind;
    private final int eos;
    private final int unknown;

    private Seq2SeqTokenizer(TokenizerKind kind, TextTokenizer texts, PieceText pieces, Set<Integer> special, Map<String, Integer> ids,
            Map<String, Integer> all, Path targetFile, TokenizerSettings settings) {
        this.kind = kind;
        this.texts = texts;
        this.pieces = pieces;
        this.special = Set.copyOf(special);
        this.ids = ids;
        this.all = all;
        this.targetFile = targetFile;
        this.splits = ids == null ? List.of() : Stream.concat(settings.named().values().stream().map(AddedToken::content),
                all.keySet().stream().filter(token -> !ids.containsKey(token))).distinct().sorted((a, b) -> b.length() - a.length())
                .toList();
        this.languages = languages(kind, all, settings);
        this.languageBehind = kind == TokenizerKind.MBART || kind == TokenizerKind.NLLB && settings.flag("legacy_behaviour", false);
        this.eos = id(settings, all, "eos_token");
        this.unknown = ids == null ? -1 : id(settings, all, "unk_token");
    }

    private static int id(TokenizerSettings settings, Map<String, Integer> all, String name) {
        return settings.named().containsKey(name) ? all.getOrDefault(settings.token(name), -1) : -1;
    }

    private static Languages languages(TokenizerKind kind, Map<String, Integer> all, TokenizerSettings settings) {
        return switch (kind) {
            case MBART, MBART50 -> Languages.in(all, "([a-z]{2}_[A-Z]{2})", settings.fields().text("src_lang", "en_XX"), false);
            case NLLB -> Languages.in(all, "([a-z]{3}_[A-Z][a-z]{3})", settings.fields().text("src_lang", "eng_Latn"), false);
            case M2M100 -> Languages.in(all, "__([a-z]{2,3})__", settings.fields().text("src_lang", "en"), false);
            case MARIAN -> Languages.in(all, ">>(.+)<<", null, true);
            default -> Languages.NONE;
        };
    }

    /**
     * Loads a folder's.
     *
     * @param positions most tokens that the model reads
     * @throws WeightException if a file is missing or damaged, or the tokenizer's class is not served
     */
    public static Seq2SeqTokenizer load(Path folder, int positions) {
        TokenizerSettings settings = TokenizerSettings.read(folder);
        int maxTokens = Math.min(positions, settings.modelMaxLength());
        return settings.kind() == TokenizerKind.MARIAN || settings.kind() == TokenizerKind.M2M100 ? ofTwoFiles(folder, settings, maxTokens)
                : ofDefinition(folder, settings, maxTokens);
    }

    private static Seq2SeqTokenizer ofDefinition(Path folder, TokenizerSettings settings, int maxTokens) {
        Path file = folder.resolve("tokenizer.json");
        TokenizerJson.Source source = TokenizerJson.read(file, settings, false);
        JsonNode json = parsed(file, source.json());
        Map<String, Integer> all = new HashMap<>();
        JsonNode words = json.path("model").path("vocab");
        for (int i = 0; words.isArray() && i < words.size(); i++) {
            all.put(words.get(i).get(0).asText(), i);
        }
        words.properties().forEach(word -> all.put(word.getKey(), word.getValue().asInt()));
        Set<Integer> special = new HashSet<>();
        for (JsonNode token : json.path("added_tokens")) {
            all.put(token.path("content").asText(), token.path("id").asInt());
            if (token.path("special").asBoolean()) {
                special.add(token.path("id").asInt());
            }
        }
        boolean pairs = json.path("model").path("type").asText().equals("BPE");
        boolean cleans = !pairs && settings.flag("clean_up_tokenization_spaces", false);
        TokenTable.Writing writing = switch (settings.kind()) {
            case GENERAL -> TokenTable.read(folder).writing();
            case ROBERTA, GPT2, QWEN2 -> TokenTable.Writing.BYTES;
            case BERT, DISTILBERT, MPNET, CLIP -> throw new WeightException(file, "is of a class whose pieces are not put together again: "
                    + settings.kind());
            default -> TokenTable.Writing.METASPACE;
        };
        return new Seq2SeqTokenizer(settings.kind(), TextTokenizer.of(file, source, settings, maxTokens),
                new PieceText(PieceText.byId(all), Set.of(), writing, cleans, false), special, null, all, file, settings);
    }

    private static JsonNode parsed(Path file, String json) {
        try {
            return new ObjectMapper().readTree(json);
        } catch (JsonProcessingException e) {
            throw new WeightException(file, "is not a tokenizer: " + e.getMessage(), e);
        }
    }

    private static Seq2SeqTokenizer ofTwoFiles(Path folder, TokenizerSettings settings, int maxTokens) {
        settings.fields().require("language_codes", "m2m100");
        boolean marian = settings.kind() == TokenizerKind.MARIAN;
        boolean separate = marian && settings.fields().flag("separate_vocabs", false);
        settings.fields().require("separate_vocabs", separate);
        Path words = required(folder, "vocab.json");
        Path model = required(folder, marian ? "source.spm" : "sentencepiece.bpe.model");
        SentencePieceModel source = SentencePieceModel.readAny(model);
        Map<String, Integer> ids = ids(words);
        Map<String, Integer> all = new HashMap<>(ids);
        Set<Integer> special = new HashSet<>();
        if (!marian) {
            List<String> codes = M2m100Codes.ALL;
            for (int i = 0; i < codes.size(); i++) {
                all.put("__" + codes.get(i) + "__", ids.size() + i);
                special.add(ids.size() + i);
            }
        }
        Path targetWords = separate ? required(folder, "target_vocab.json") : words;
        Map<String, Integer> targets = separate ? ids(targetWords) : all;
        for (AddedToken token : settings.named().values()) {
            special.add(id(targetWords, targets, token));
            id(words, all, token);
        }
        SentencePieceModel written = separate ? SentencePieceModel.readAny(required(folder, "target.spm")) : source;
        TokenizerJson.Source definition = TokenizerJson.source(model, SentencePieceDefinition.of(source), false, false);
        return new Seq2SeqTokenizer(settings.kind(), TextTokenizer.of(model, definition, settings, maxTokens),
                new PieceText(PieceText.byId(targets), written.silent(), TokenTable.Writing.METASPACE,
                        settings.flag("clean_up_tokenization_spaces", false), true), special, ids, all, targetWords, settings);
    }

    private static Map<String, Integer> ids(Path file) {
        Map<String, Integer> ids = new HashMap<>();
        JsonFiles.object(file).properties().forEach(word -> {
            if (!word.getValue().isInt() || word.getValue().asInt() < 0) {
                throw new WeightException(file, "gives the token " + Clip.text(word.getKey()) + " the id "
                        + Clip.text(word.getValue().toString()) + ", expected a number of 0 or more");
            }
            ids.put(word.getKey(), word.getValue().asInt());
        });
        return ids;
    }

    private static int id(Path file, Map<String, Integer> ids, AddedToken token) {
        Integer id = ids.get(token.content());
        if (id == null) {
            throw new WeightException(file, "has no token " + token.content() + ", which the tokenizer's class needs");
        }
        return id;
    }

    private static Path required(Path folder, String name) {
        Path file = folder.resolve(name);
        if (!Files.isRegularFile(file)) {
            throw new WeightException(file, "does not exist; the tokenizer's class is made of it");
        }
        return file;
    }

    /**
     * Refuses a tokenizer that may make tokens which a model has not.
     *
     * @param sources ids of the model's sources
     * @param targets ids of its targets
     * @throws WeightException naming the token
     */
    public void requireVocabulary(int sources, int targets) {
        if (ids == null) {
            texts.requireVocabulary(sources);
        } else {
            PieceText.require(texts.file().resolveSibling("vocab.json"), PieceText.byId(all), sources);
            pieces.requireVocabulary(targetFile, targets);
        }
    }

    /** The languages that it knows by codes. */
    public Languages languages() {
        return languages;
    }

    /** Most tokens of a source, special tokens included. */
    public int maxTokens() {
        return texts.maxTokens();
    }

    /**
     * What the encoder reads of a text, uncut.
     *
     * @param source code of the text's language, null for the folder's own; of no meaning where there are none, or targets are told
     * @param target code of the language to translate to, where a token before the source says it; null for none
     * @throws IllegalArgumentException if the model lacks a code
     */
    public int[] encode(String text, String source, String target) {
        String whole = Surrogates.paired(text);
        int[] own = ids == null ? texts.own(whole) : pieceIds(whole);
        return switch (kind) {
            case MARIAN -> joined(target == null ? new int[0] : new int[] {languages.id("target language", target)}, own, new int[] {eos});
            case MBART, MBART50, NLLB, M2M100 -> {
                int language = languages.id("source language", source == null ? languages.source() : source);
                yield languageBehind ? joined(new int[0], own, new int[] {eos, language})
                        : joined(new int[] {language}, own, new int[] {eos});
            }
            default -> texts.frame().tokens(new Frame.Span(own, 0, own.length), null).ids();
        };
    }

    private static int[] joined(int[] before, int[] own, int[] behind) {
        int[] ids = new int[before.length + own.length + behind.length];
        System.arraycopy(before, 0, ids, 0, before.length);
        System.arraycopy(own, 0, ids, before.length, own.length);
        System.arraycopy(behind, 0, ids, before.length + own.length, behind.length);
        return ids;
    }

    /** Splits at special tokens, the first that begins, the longest of those; then pieces, each looked up. */
    private int[] pieceIds(String text) {
        List<Integer> found = new ArrayList<>();
        int from = 0;
        for (int at = 0; at < text.length();) {
            String token = splitAt(text, at);
            if (token == null) {
                at++;
                continue;
            }
            piecesOf(text.substring(from, at), found);
            found.add(all.get(token));
            at += token.length();
            from = at;
        }
        piecesOf(text.substring(from), found);
        return found.stream().mapToInt(Integer::intValue).toArray();
    }

    private String splitAt(String text, int at) {
        for (String token : splits) {
            if (text.startsWith(token, at)) {
                return token;
            }
        }
        return null;
    }

    private void piecesOf(String text, List<Integer> found) {
        String rest = text;
        int end = kind == TokenizerKind.MARIAN && text.startsWith(">>") ? text.indexOf("<<") : -1;
        if (end >= 0) {
            found.add(ids.getOrDefault(text.substring(0, end + 2), unknown));
            rest = text.substring(end + 2);
        }
        if (!rest.isEmpty()) {
            for (String piece : texts.ownTokens(rest)) {
                found.add(ids.getOrDefault(piece, unknown));
            }
        }
    }

    /** The text of generated ids, without special tokens. */
    public String decode(int[] generated) {
        return pieces.text(generated, special);
    }

    /** Frees native memory, once no call is under way. Closing twice is harmless. */
    @Override
    public void close() {
        texts.close();
    }
}
