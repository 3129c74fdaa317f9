package dev.gatun.models.task.translate;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.models.seq2seq.SequenceTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * One token for each code point, as {@code vocabulary.json} lists them. Encoding brings the text to NFC and appends eos; code points that
 * are not listed become unk. No text produces another special token. Immutable.
 */
public final class CharacterTokenizer implements SequenceTokenizer {
    private final Map<Integer, Integer> ids;
    private final String[] pieces;
    private final int eos;
    private final int unk;

    private CharacterTokenizer(Map<Integer, Integer> ids, String[] pieces, int eos, int unk) {
        this.ids = ids;
        this.pieces = pieces;
        this.eos = eos;
        this.unk = unk;
    }

    /**
     * Reads {@code vocabulary.json}.
     *
     * @param file   names it in messages
     * @param tokens of the model it belongs to
     * @throws WeightException if it is damaged, or does not match the model's embeddings and special tokens
     */
    public static CharacterTokenizer parse(Path file, byte[] json, GenerativeModel.Tokens tokens) {
        JsonNode root;
        try {
            root = new ObjectMapper().readTree(json);
        } catch (IOException e) {
            throw new WeightException(file, "is not valid JSON: " + e.getMessage(), e);
        }
        require(file, root.path("type").asText().equals("characters"), "type is " + root.path("type") + ", expected characters");
        require(file, root.path("normalization").asText().equals("NFC"), "normalization is " + root.path("normalization")
                + ", expected NFC");
        JsonNode entries = root.path("tokens");
        require(file, entries.isObject() && entries.size() == tokens.vocabSize(), "has " + entries.size()
                + " tokens, the model's embeddings " + tokens.vocabSize());
        int eos = special(file, root, "eos_token_id", tokens.eos());
        int pad = special(file, root, "pad_token_id", tokens.pad());
        int bos = special(file, root, "bos_token_id", tokens.bos());
        int unk = root.path("unk_token_id").asInt(-1);
        String[] pieces = new String[tokens.vocabSize()];
        Map<Integer, Integer> ids = new HashMap<>();
        entries.properties().forEach(entry -> {
            String text = entry.getKey();
            int id = entry.getValue().asInt(-1);
            require(file, id >= 0 && id < pieces.length && pieces[id] == null, "token '" + text + "': id " + entry.getValue()
                    + " is outside 0 to " + (pieces.length - 1) + ", or given twice");
            boolean isSpecial = id == eos || id == pad || id == bos || id == unk;
            pieces[id] = isSpecial ? "" : text;
            if (!isSpecial) {
                require(file, text.codePointCount(0, text.length()) == 1, "token '" + text + "' is not one character");
                ids.put(text.codePointAt(0), id);
            }
        });
        require(file, unk >= 0 && unk < pieces.length, "unk_token_id is " + root.path("unk_token_id") + ", expected an id");
        return new CharacterTokenizer(Map.copyOf(ids), pieces, eos, unk);
    }

    private static int special(Path file, JsonNode root, String name, int expected) {
        int id = root.path(name).asInt(-1);
        require(file, id == expected, name + " is " + root.path(name) + ", the model's config says " + expected);
        return id;
    }

    private static void require(Path file, boolean condition, String message) {
        if (!condition) {
            throw new WeightException(file, message);
        }
    }

    @Override
    public int[] encode(String text) {
        int[] codePoints = Normalizer.normalize(text, Normalizer.Form.NFC).codePoints().toArray();
        int[] result = Arrays.copyOf(codePoints, codePoints.length + 1);
        for (int i = 0; i < codePoints.length; i++) {
            result[i] = ids.getOrDefault(codePoints[i], unk);
        }
        result[codePoints.length] = eos;
        return result;
    }

    @Override
    public String decode(int[] tokens) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < tokens.length && tokens[i] != eos; i++) {
            text.append(pieces[tokens[i]]);
        }
        return text.toString();
    }
}
