package dev.gatun.models.family.recurrent;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gatun.models.checkpoint.Clip;
import dev.gatun.models.checkpoint.WeightException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Tokens of a recurrent language model: {@code vocabulary.json}, a list of texts in the order of their ids. Words are what stands between
 * spaces, and every line ends in {@code <eos>}, as in PyTorch's example; characters are code points, line ends among them. Immutable.
 */
public final class Vocabulary {
    private static final String EOS = "<eos>";
    private static final String UNKNOWN = "<unk>";

    private final List<String> tokens;
    private final Map<String, Integer> ids = new HashMap<>();
    private final boolean characters;

    private Vocabulary(List<String> tokens, boolean characters) {
        this.tokens = List.copyOf(tokens);
        this.characters = characters;
        tokens.forEach(token -> ids.put(token, ids.size()));
    }

    /**
     * Reads the list.
     *
     * @throws WeightException if it is none, names a token twice, or has another number of them than the model
     */
    public static Vocabulary of(Path file, JsonNode json, RnnConfig config) {
        List<String> tokens = new ArrayList<>();
        for (JsonNode node : json) {
            if (!node.isTextual() || config.characters() && node.textValue().codePointCount(0, node.textValue().length()) != 1) {
                throw new WeightException(file, "has " + Clip.text(node) + ", expected " + (config.characters() ? "one character"
                        : "a word"));
            }
            tokens.add(node.textValue());
        }
        Vocabulary made = new Vocabulary(tokens, config.characters());
        if (!json.isArray() || tokens.size() != config.vocabSize() || made.ids.size() != tokens.size()) {
            throw new WeightException(file, "has " + made.ids.size() + " different tokens, expected a list of ntoken "
                    + config.vocabSize());
        }
        if (!config.characters() && !made.ids.containsKey(EOS)) {
            throw new WeightException(file, "has no " + EOS + ", which ends every line");
        }
        return made;
    }

    /**
     * Reads the list of a tagger's words.
     *
     * @throws WeightException if it is none, names a word twice, or has another number of them than the model
     */
    public static Vocabulary ofWords(Path file, JsonNode json, int count) {
        List<String> words = new ArrayList<>();
        json.forEach(node -> words.add(node.asText()));
        Vocabulary made = new Vocabulary(words, false);
        if (!json.isArray() || words.size() != count || made.ids.size() != count) {
            throw new WeightException(file, "has " + made.ids.size() + " different words, expected a list of ntoken " + count);
        }
        return made;
    }

    /** The token of the end of a line, or -1. */
    public int eos() {
        return characters ? -1 : ids.get(EOS);
    }

    /**
     * Tokens of a text. Of a whole text every line ends in the token of its end; a text to go on with keeps its last line open.
     *
     * @throws IllegalArgumentException if a token is not in the vocabulary, which then has no {@code <unk>}
     */
    public int[] encode(String text, boolean whole) {
        List<Integer> encoded = new ArrayList<>();
        if (characters) {
            text.codePoints().forEach(c -> encoded.add(id(Character.toString(c))));
        } else {
            String[] lines = text.split("\n", -1);
            for (int i = 0; i < lines.length; i++) {
                for (String word : lines[i].strip().split("\\s+")) {
                    if (!word.isEmpty()) {
                        encoded.add(id(word));
                    }
                }
                boolean last = i == lines.length - 1;
                if (!last || whole && !lines[i].isBlank()) {
                    encoded.add(eos());
                }
            }
        }
        return encoded.stream().mapToInt(Integer::intValue).toArray();
    }

    /**
     * The token of a word, or that of {@code <unk>}.
     *
     * @throws IllegalArgumentException if there is neither
     */
    public int id(String token) {
        Integer id = ids.getOrDefault(token, ids.get(UNKNOWN));
        if (id == null) {
            throw new IllegalArgumentException("the vocabulary has no '" + Clip.text(token) + "', and no " + UNKNOWN);
        }
        return id;
    }

    /** UTF-8 that a token adds to a text: a word comes with the space before it. */
    public byte[] bytes(int id) {
        String text = !characters && id == eos() ? "\n" : characters ? tokens.get(id) : " " + tokens.get(id);
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The text of tokens. */
    public String decode(int[] encoded) {
        StringBuilder text = new StringBuilder();
        for (int id : encoded) {
            if (!characters && id == eos()) {
                text.append('\n');
            } else {
                text.append(characters || text.isEmpty() || text.charAt(text.length() - 1) == '\n' ? "" : " ").append(tokens.get(id));
            }
        }
        return text.toString();
    }
}
