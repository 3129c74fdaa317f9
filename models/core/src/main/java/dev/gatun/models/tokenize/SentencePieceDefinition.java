package dev.gatun.models.tokenize;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A sentencepiece model as it computes by itself, for the tokenizers library: tokens are pieces, unknown ones too. */
final class SentencePieceDefinition {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int NORMAL = 1;
    private static final int UNKNOWN = 2;

    private SentencePieceDefinition() {
    }

    /** The definition. */
    static ObjectNode of(SentencePieceModel model) {
        ObjectNode json = JSON.createObjectNode().put("version", "1.0");
        json.set("model", model.bpe() ? pairs(model) : unigram(model));
        ArrayNode steps = JSON.createArrayNode();
        if (model.charsmap().length > 0) {
            steps.addObject().put("type", "Precompiled").put("precompiled_charsmap", Base64.getEncoder().encodeToString(model.charsmap()));
        }
        replace(steps, "^ +| +$", "");
        replace(steps, " {2,}", " ");
        // Also where a text begins with that sign itself.
        steps.addObject().put("type", "Prepend").put("prepend", "\u2581");
        json.set("normalizer", JSON.createObjectNode().put("type", "Sequence").set("normalizers", steps));
        json.set("pre_tokenizer", JSON.createObjectNode().put("type", "Metaspace").put("replacement", "\u2581")
                .put("prepend_scheme", "never").put("split", true));
        json.putArray("added_tokens");
        json.putNull("post_processor");
        return json;
    }

    private static void replace(ArrayNode steps, String regex, String content) {
        steps.addObject().put("type", "Replace").put("content", content).putObject("pattern").put("Regex", regex);
    }

    /** What no text may contain by its letters, as control pieces, has a name that no text has. */
    private static String text(SentencePieceModel model, int id) {
        SentencePieceModel.Piece piece = model.pieces().get(id);
        boolean reachable = piece.type() == NORMAL || piece.type() != UNKNOWN && !piece.added().special() && piece.isAdded();
        return reachable ? piece.text() : "\uFFFF" + id;
    }

    private static ObjectNode unigram(SentencePieceModel model) {
        ObjectNode node = JSON.createObjectNode().put("type", "Unigram").put("unk_id", model.unkId()).put("byte_fallback", false);
        ArrayNode words = node.putArray("vocab");
        for (int i = 0; i < model.pieces().size(); i++) {
            words.addArray().add(text(model, i)).add((double) model.pieces().get(i).score());
        }
        return node;
    }

    private record Merge(String left, String right, float score) {
    }

    /** Every way to make a piece of two others, best pieces first. */
    private static ObjectNode pairs(SentencePieceModel model) {
        Map<String, Integer> ids = new HashMap<>();
        for (int i = 0; i < model.pieces().size(); i++) {
            ids.putIfAbsent(text(model, i), i);
        }
        List<Merge> merges = new ArrayList<>();
        for (int i = 0; i < model.pieces().size(); i++) {
            String piece = text(model, i);
            for (int at = piece.offsetByCodePoints(0, 1); at < piece.length(); at = piece.offsetByCodePoints(at, 1)) {
                if (ids.containsKey(piece.substring(0, at)) && ids.containsKey(piece.substring(at))) {
                    merges.add(new Merge(piece.substring(0, at), piece.substring(at), model.pieces().get(i).score()));
                }
            }
        }
        merges.sort(Comparator.comparingDouble((Merge m) -> -m.score));
        ObjectNode node = JSON.createObjectNode().put("type", "BPE").put("unk_token", text(model, model.unkId())).put("fuse_unk", true)
                .put("byte_fallback", false);
        ObjectNode words = node.putObject("vocab");
        ids.forEach(words::put);
        ArrayNode list = node.putArray("merges");
        merges.forEach(m -> list.addArray().add(m.left).add(m.right));
        return node;
    }
}
