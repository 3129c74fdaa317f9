package dev.gatun.models.family.whisper;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Tokens to text, as transformers' WhisperTokenizer decodes them: bytes of UTF-8, special tokens and timestamps left out. From
 * tokenizer.json, or vocab.json and added_tokens.json. Immutable and thread-safe.
 */
public final class WhisperVocabulary {
    /** Languages that put no spaces between words. */
    private static final Set<String> WITHOUT_SPACES = Set.of("zh", "ja", "th", "lo", "my", "yue");
    private static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    private static final String BEFORE = "\"'“¡¿([{-";
    private static final String AFTER = "\"'.。,，!！?？:：”)]}、";

    /** What it leaves is nothing, but bytes before and after it are no character together. */
    private static final byte[] TIMESTAMP = {};

    /** Bytes of each token of the text; null for those that are left out. */
    private final byte[][] bytes;

    private WhisperVocabulary(byte[][] bytes) {
        this.bytes = bytes;
    }

    /**
     * Reads a folder's.
     *
     * @throws WeightException if the files are missing or damaged, or contradict the model
     */
    public static WhisperVocabulary read(Path folder, WhisperModel model) {
        int size = model.config().vocabSize();
        Map<String, Integer> ids = new HashMap<>();
        Set<Integer> left = new HashSet<>();
        Path json = folder.resolve("tokenizer.json");
        Path file = JsonFiles.present(json) ? json : folder.resolve("vocab.json");
        JsonNode root = JsonFiles.object(file);
        JsonNode vocab = file.equals(json) ? root.path("model").path("vocab") : root;
        if (!vocab.isObject() || vocab.isEmpty()) {
            throw new WeightException(file, "has no vocabulary, expected tokens and their ids");
        }
        vocab.properties().forEach(entry -> ids.put(entry.getKey(), id(file, entry.getKey(), entry.getValue(), size)));
        if (file.equals(json)) {
            root.path("added_tokens").forEach(token -> {
                int id = id(file, token.path("content").asText(), token.path("id"), size);
                ids.put(token.path("content").asText(), id);
                if (token.path("special").asBoolean()) {
                    left.add(id);
                }
            });
        } else {
            Path added = folder.resolve("added_tokens.json");
            JsonFiles.optional(added).properties().forEach(entry -> {
                ids.put(entry.getKey(), id(added, entry.getKey(), entry.getValue(), size));
                left.add(ids.get(entry.getKey()));
            });
            Arrays.stream(model.generation().eos()).forEach(left::add);
        }
        byte[][] bytes = new byte[size][];
        ids.forEach((token, id) -> bytes[id] = token.matches("<\\|\\d+\\.\\d+\\|>") ? TIMESTAMP : left.contains(id) ? null : bytes(token));
        return new WhisperVocabulary(bytes);
    }

    private static int id(Path file, String token, JsonNode id, int size) {
        if (!id.isIntegralNumber() || id.asLong() < 0 || id.asLong() >= size) {
            throw new WeightException(file, "token " + token + " has id " + id + ", expected 0 to " + (size - 1)
                    + ", the vocab_size of config.json less 1");
        }
        return id.asInt();
    }

    /** The bytes that a token stands for: printable ones as they are, the others by characters from U+0100 on (GPT-2). */
    private static byte[] bytes(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            int b = value(token.charAt(i));
            if (b < 0) {
                return token.getBytes(StandardCharsets.UTF_8);
            }
            bytes[i] = (byte) b;
        }
        return bytes;
    }

    private static int value(char c) {
        if (c >= '!' && c <= '~' || c >= 0xa1 && c <= 0xff && c != 0xad) {
            return c;
        }
        int hidden = c - 0x100;
        return hidden < 0 ? -1 : hidden <= 0x20 ? hidden : hidden <= 0x42 ? hidden - 0x21 + 0x7f : hidden == 0x43 ? 0xad : -1;
    }

    /** The text of tokens; what is no UTF-8 becomes U+FFFD. */
    public String text(int... tokens) {
        StringBuilder text = new StringBuilder();
        ByteArrayOutputStream run = new ByteArrayOutputStream();
        for (int token : tokens) {
            byte[] own = token >= 0 && token < bytes.length ? bytes[token] : null;
            if (own == TIMESTAMP) {
                text.append(run.toString(StandardCharsets.UTF_8));
                run.reset();
            } else if (own != null) {
                run.writeBytes(own);
            }
        }
        return text.append(run.toString(StandardCharsets.UTF_8)).toString();
    }

    /**
     * A word.
     *
     * @param text with the space before it
     * @param from its first token
     * @param to   behind its last
     */
    public record Word(String text, int from, int to) {
    }

    /**
     * The words of tokens, punctuation beside the word that it belongs to, as transformers puts them together.
     *
     * @param language code; null for English
     */
    public List<Word> words(int[] tokens, String language) {
        List<Word> words = new ArrayList<>();
        for (Word piece : pieces(tokens)) {
            boolean begins = words.isEmpty() || language != null && WITHOUT_SPACES.contains(language) || piece.text.startsWith(" ")
                    || PUNCTUATION.contains(piece.text.strip()) || words.getLast().to != piece.from;
            if (begins) {
                words.add(piece);
            } else {
                Word last = words.removeLast();
                words.add(new Word(last.text + piece.text, last.from, piece.to));
            }
        }
        return punctuated(words);
    }

    /** Tokens as long together as their bytes are not whole characters. */
    private List<Word> pieces(int[] tokens) {
        List<Word> pieces = new ArrayList<>();
        String all = text(tokens);
        int offset = 0;
        int from = 0;
        for (int i = 0; i < tokens.length; i++) {
            if (from == i && text(tokens[i]).isEmpty()) {
                from = i + 1;
                continue;
            }
            String text = text(Arrays.copyOfRange(tokens, from, i + 1));
            int broken = text.indexOf('\uFFFD');
            if (broken < 0 || offset + broken >= all.length() || all.charAt(offset + broken) == '\uFFFD') {
                pieces.add(new Word(text, from, i + 1));
                offset += text.length();
                from = i + 1;
            }
        }
        return pieces;
    }

    private static List<Word> punctuated(List<Word> words) {
        List<Word> joined = new ArrayList<>(words);
        for (int i = joined.size() - 2; i >= 0; i--) {
            Word word = joined.get(i);
            if (word.text.startsWith(" ") && BEFORE.contains(word.text.strip())) {
                joined.set(i, new Word(word.text + joined.get(i + 1).text, word.from, joined.remove(i + 1).to));
            }
        }
        for (int i = 0; i + 1 < joined.size(); ) {
            Word next = joined.get(i + 1);
            if (!joined.get(i).text.endsWith(" ") && AFTER.contains(next.text)) {
                joined.set(i, new Word(joined.get(i).text + next.text, joined.get(i).from, joined.remove(i + 1).to));
            } else {
                i++;
            }
        }
        return joined;
    }
}
