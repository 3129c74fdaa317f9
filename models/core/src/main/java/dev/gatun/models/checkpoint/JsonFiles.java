package dev.gatun.models.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/**
 * JSON of a model's folder: UTF-8, one value, no deeper than 1000, no key twice, no larger than the heap can take.
 */
public final class JsonFiles {
    /** A tree of nodes takes up to this many bytes of heap for each byte of text. */
    private static final int HEAP_PER_BYTE = 32;
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            // Python writes them, as "time_step_limit": [0.0, Infinity].
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private JsonFiles() {
    }

    /**
     * Reads a file that must be one JSON object.
     *
     * @throws WeightException if there is none, it is not plain, or not such an object
     */
    public static JsonNode object(Path path) {
        return requireObject(path, "", value(path));
    }

    /** Whether there is anything of this name, be it a pipe or a dangling link; reading it says what it is. */
    public static boolean present(Path path) {
        return ModelFile.present(path);
    }

    /**
     * Reads a file that may be absent.
     *
     * @return a missing node if there is nothing of the name; what is there and no plain file, as a pipe or a dangling link, is refused
     * @throws WeightException as {@link #object(Path)}
     */
    public static JsonNode optional(Path path) {
        return ModelFile.present(path) ? object(path) : MissingNode.getInstance();
    }

    /**
     * Reads a file of any one JSON value, as the list that modules.json is.
     *
     * @throws WeightException if there is none, it is not plain, or not JSON
     */
    public static JsonNode value(Path path) {
        return value(path, "", bytes(path));
    }

    /**
     * Reads a vocabulary, or another file that is parsed as a whole.
     *
     * @throws WeightException if there is none, it is not plain, or it would take the heap
     */
    public static byte[] bytes(Path path) {
        ModelFile file = ModelFile.open(path);
        requireHeap(path, "it", file.byteSize());
        return file.bytes(0, (int) file.byteSize());
    }

    /**
     * Parses an object in bytes of a file.
     *
     * @param what names the part in messages, as {@code "the header "}, or is empty
     */
    static JsonNode object(Path path, String what, byte[] bytes) {
        return requireObject(path, what, value(path, what, bytes));
    }

    private static JsonNode requireObject(Path path, String what, JsonNode node) {
        if (!node.isObject()) {
            throw new WeightException(path, what + "is not a JSON object");
        }
        return node;
    }

    private static JsonNode value(Path path, String what, byte[] bytes) {
        JsonNode node;
        try {
            int mark = bytes.length >= 3 && bytes[0] == (byte) 0xef && bytes[1] == (byte) 0xbb && bytes[2] == (byte) 0xbf ? 3 : 0;
            node = JSON.readTree(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, mark, bytes.length - mark)).toString());
        } catch (CharacterCodingException e) {
            throw new WeightException(path, what + "is not valid UTF-8", e);
        } catch (JsonProcessingException e) {
            String reason = String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("");
            String place = e.getLocation() == null ? "" : String.format(Locale.ROOT, " (line %d, column %d)",
                    e.getLocation().getLineNr(), e.getLocation().getColumnNr());
            throw new WeightException(path, what + "is not valid JSON: " + Clip.text(reason) + place, e);
        }
        if (node == null || node.isMissingNode()) {
            throw new WeightException(path, what + "is empty, expected JSON");
        }
        return node;
    }

    /** Refuses what would take the process's heap. */
    static void requireHeap(Path path, String what, long byteSize) {
        long heap = Runtime.getRuntime().maxMemory();
        if (byteSize > Integer.MAX_VALUE - 8 || byteSize > 1 << 20 && byteSize > heap / HEAP_PER_BYTE) {
            throw new WeightException(path, what + " has " + byteSize + " bytes of JSON, which a heap of " + (heap >> 20)
                    + " MiB cannot take; is it what its name says? A larger -Xmx reads it");
        }
    }
}
