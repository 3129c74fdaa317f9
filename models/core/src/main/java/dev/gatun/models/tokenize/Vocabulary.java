package dev.gatun.models.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Tokens and their ids, wherever they come from.
 *
 * @param file     names it in messages
 * @param words    an object of tokens and ids, or a list of tokens and scores
 * @param merges   of byte pair encoding, or null
 * @param charsmap of sentencepiece in base 64, or null
 * @param unkId    that the sentencepiece model names, or 0
 * @param added    tokens that are added beside it, by id
 */
record Vocabulary(Path file, JsonNode words, ArrayNode merges, String charsmap, int unkId, Map<Integer, AddedToken> added) {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Pegasus's ids of pieces are those of its sentencepiece model and so much. */
    static final int PEGASUS_OFFSET = 103;
    private static final List<String> MBART = List.of(("ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ "
            + "ko_KR lt_LT lv_LV my_MM ne_NP nl_XX ro_RO ru_RU si_LK tr_TR vi_VN zh_CN").split(" "));
    private static final List<String> MORE_OF_MBART50 = List.of(("af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID ka_GE km_KH mk_MK ml_IN mn_MN "
            + "mr_IN pl_PL ps_AF pt_XX sv_SE sw_KE ta_IN te_IN th_TH tl_XX uk_UA ur_PK xh_ZA gl_ES sl_SI").split(" "));

    /** Ids of the model's tokens, added ones apart. */
    Map<String, Integer> ids() {
        Map<String, Integer> ids = new HashMap<>();
        if (words.isArray()) {
            for (int i = 0; i < words.size(); i++) {
                ids.put(words.get(i).get(0).textValue(), i);
            }
        } else {
            words.properties().forEach(word -> ids.put(word.getKey(), word.getValue().intValue()));
        }
        return ids;
    }

    /** The files that a class reads where there is no tokenizer.json; a sentencepiece model has several names. */
    static Vocabulary ofFiles(Path folder, TokenizerKind kind, TokenizerSettings settings) {
        return switch (kind) {
            case GENERAL -> throw new WeightException(folder.resolve("tokenizer.json"), "does not exist, and " + settings.fields().file()
                    + " names no tokenizer_class that is made of other files");
            case BERT, DISTILBERT, MPNET -> words(required(folder, "vocab.txt"));
            case ROBERTA, GPT2, QWEN2, CLIP -> pairs(required(folder, "vocab.json"), required(folder, "merges.txt"));
            case ALBERT, T5, SIGLIP -> sentencePiece(required(folder, "spiece.model"), kind, settings);
            case XLM_ROBERTA, CAMEMBERT -> sentencePiece(required(folder, "sentencepiece.bpe.model"), kind, settings);
            case DEBERTA_V2 -> sentencePiece(required(folder, "spm.model"), kind, settings);
            case PEGASUS -> sentencePiece(required(folder, "spiece.model"), kind, settings);
            case MBART, MBART50 -> sentencePiece(required(folder, "sentencepiece.bpe.model"), kind, settings);
            case NLLB, LLAMA -> throw new WeightException(folder.resolve("tokenizer.json"), "does not exist; transformers' save_pretrained "
                    + "writes it of " + (kind == TokenizerKind.NLLB ? "sentencepiece.bpe.model" : "tokenizer.model"));
            case MARIAN, M2M100 -> throw new WeightException(folder.resolve("vocab.json"), "belongs to a tokenizer that serves translation "
                    + "only");
        };
    }

    /** The codes that a class of tokenizers has, in the order of their ids. */
    static List<String> languages(TokenizerKind kind) {
        return kind == TokenizerKind.MBART ? MBART : Stream.concat(MBART.stream(), MORE_OF_MBART50.stream()).toList();
    }

    private static Path required(Path folder, String name) {
        Path file = folder.resolve(name);
        if (!JsonFiles.present(file)) {
            throw new WeightException(folder.resolve("tokenizer.json"), "does not exist, and neither does " + name
                    + "; the tokenizer is expected there");
        }
        return file;
    }

    private static List<String> lines(Path file) {
        String text = new String(JsonFiles.bytes(file), StandardCharsets.UTF_8);
        return List.of((text.endsWith("\n") ? text.substring(0, text.length() - 1) : text).split("\n", -1));
    }

    private static Vocabulary words(Path file) {
        ObjectNode words = JSON.createObjectNode();
        List<String> lines = lines(file);
        for (int i = 0; i < lines.size(); i++) {
            words.put(lines.get(i).stripTrailing(), i);
        }
        return new Vocabulary(file, words, null, null, 0, Map.of());
    }

    private static Vocabulary pairs(Path file, Path mergesFile) {
        JsonNode words = JsonFiles.object(file);
        ArrayNode merges = JSON.createArrayNode();
        List<String> lines = lines(mergesFile);
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).startsWith("#version")) {
                continue;
            }
            String[] parts = lines.get(i).split(" ", -1);
            if (parts.length != 2) {
                throw new WeightException(mergesFile, "line " + (i + 1) + " has " + parts.length
                        + " parts, expected two tokens and a space between them");
            }
            merges.addArray().add(parts[0]).add(parts[1]);
        }
        return new Vocabulary(file, words, merges, null, 0, Map.of());
    }

    private static Vocabulary sentencePiece(Path file, TokenizerKind kind, TokenizerSettings settings) {
        SentencePieceModel model = SentencePieceModel.read(file);
        List<SentencePieceModel.Piece> pieces = new ArrayList<>();
        int skipped = 0;
        boolean mbart = kind == TokenizerKind.MBART || kind == TokenizerKind.MBART50;
        if (kind == TokenizerKind.PEGASUS) {
            for (String text : List.of(settings.token("pad_token"), settings.token("eos_token"), "<mask_1>",
                    settings.token("mask_token"))) {
                pieces.add(new SentencePieceModel.Piece(text, 0, 1));
            }
            for (int i = 2; i < PEGASUS_OFFSET; i++) {
                pieces.add(new SentencePieceModel.Piece("<unk_" + i + ">", -100, 1));
            }
            skipped = 2;
        } else if (mbart) {
            for (String name : new String[] {"cls_token", "pad_token", "eos_token", "unk_token"}) {
                pieces.add(new SentencePieceModel.Piece(settings.token(name), 0, 1));
            }
            skipped = 3;
        } else if (kind == TokenizerKind.XLM_ROBERTA) {
            for (String name : new String[] {"bos_token", "pad_token", "eos_token", "unk_token"}) {
                pieces.add(new SentencePieceModel.Piece(settings.token(name), 0, 1));
            }
            skipped = 3;
        } else if (kind == TokenizerKind.CAMEMBERT) {
            pieces.add(new SentencePieceModel.Piece("<s>NOTUSED", 0, 1));
            pieces.add(new SentencePieceModel.Piece(settings.token("pad_token"), 0, 1));
            pieces.add(new SentencePieceModel.Piece("</s>NOTUSED", 0, 1));
            pieces.add(new SentencePieceModel.Piece(settings.token("unk_token"), 0, 1));
            pieces.add(new SentencePieceModel.Piece("<unk>NOTUSED", -100, 1));
            skipped = 1;
        }
        pieces.addAll(model.pieces().subList(Math.min(skipped, model.pieces().size()), model.pieces().size()));
        if (mbart) {
            languages(kind).forEach(code -> pieces.add(new SentencePieceModel.Piece(code, 0, 1)));
        }
        if (skipped > 0 && kind != TokenizerKind.PEGASUS) {
            pieces.add(new SentencePieceModel.Piece(settings.token("mask_token"), 0, 1));
        }
        for (int i = kind == TokenizerKind.T5 ? settings.extraIds() - 1 : -1; i >= 0; i--) {
            pieces.add(new SentencePieceModel.Piece("<extra_id_" + i + ">", 0, 1));
        }
        ArrayNode words = JSON.createArrayNode();
        pieces.forEach(piece -> words.addArray().add(piece.text()).add((double) piece.score()));
        Map<Integer, AddedToken> added = new TreeMap<>();
        for (int i = 0; i < model.pieces().size(); i++) {
            if (model.pieces().get(i).isAdded()) {
                added.put(i, model.pieces().get(i).added());
            }
        }
        String charsmap = model.charsmap().length == 0 ? null : Base64.getEncoder().encodeToString(model.charsmap());
        return new Vocabulary(file, words, null, charsmap, model.unkId(), added);
    }

    /** The vocabulary of a tokenizer.json that was {@linkplain TokenizerJson checked}. */
    static Vocabulary ofJson(Path file, JsonNode json, TokenizerKind kind) {
        JsonNode model = json.path("model");
        String expected = switch (kind) {
            case BERT, DISTILBERT, MPNET -> "WordPiece";
            case ROBERTA, GPT2, QWEN2, CLIP, NLLB, LLAMA -> "BPE";
            default -> "Unigram";
        };
        JsonNode words = model.path("vocab");
        if (kind != TokenizerKind.GENERAL && words.isArray() != expected.equals("Unigram")
                || kind != TokenizerKind.GENERAL && expected.equals("BPE") != model.path("merges").isArray()) {
            throw new WeightException(file, "has a model of type " + model.path("type").asText("") + "; expected " + expected
                    + ", which the tokenizer's class is made of");
        }
        Map<Integer, AddedToken> added = new TreeMap<>();
        json.path("added_tokens").forEach(token ->
                added.put(token.path("id").intValue(), AddedToken.of(file, "added_tokens", token, false)));
        ArrayNode merges = model.path("merges") instanceof ArrayNode list ? list : null;
        return new Vocabulary(file, words, merges, charsmap(json.path("normalizer")), 0, added);
    }

    /** The first character map of a normalizer, or of its sequence. */
    private static String charsmap(JsonNode normalizer) {
        List<JsonNode> steps = normalizer.path("type").asText().equals("Sequence") ? normalizer.path("normalizers").valueStream().toList()
                : List.of(normalizer);
        return steps.stream().filter(step -> step.path("type").asText().equals("Precompiled"))
                .map(step -> step.path("precompiled_charsmap").asText(null))
                .filter(Objects::nonNull).findFirst().orElse(null);
    }
}
