package dev.gatun.models.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Names of classes. */
final class Labels {
    private static final long LARGEST = 16 << 20;

    private Labels() {
    }

    /** The lines of a text. */
    static List<String> read(Path path) {
        ModelFile file = ModelFile.open(path);
        if (file.byteSize() > LARGEST) {
            throw new WeightException(path, "has " + file.byteSize() + " bytes, expected at most " + LARGEST + " of labels");
        }
        ByteBuffer bytes = ByteBuffer.wrap(file.bytes(0, (int) file.byteSize()));
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
            return (text.startsWith("\uFEFF") ? text.substring(1) : text).lines().toList();
        } catch (CharacterCodingException e) {
            long line = new String(bytes.array(), 0, bytes.position(), StandardCharsets.ISO_8859_1).chars().filter(c -> c == '\n').count()
                    + 1;
            throw new WeightException(path, "line " + line + " is not valid UTF-8; convert the text first", e);
        }
    }

    /** What config.json says, or null. */
    static List<String> of(Path file, JsonNode config) {
        JsonNode map = config.path("id2label");
        if (map.isObject() && !map.isEmpty()) {
            List<String> labels = new ArrayList<>();
            boolean filled = false;
            for (int i = 0; i < map.size(); i++) {
                JsonNode label = map.path(Integer.toString(i));
                if (!label.isValueNode()) {
                    throw new WeightException(file, "id2label has " + map.size() + " labels, but none of class " + i);
                }
                labels.add(label.asText());
                filled |= !label.asText().equals("LABEL_" + i);
            }
            return filled ? List.copyOf(labels) : null;
        }
        JsonNode names = config.path("label_names").isMissingNode() ? config.path("pretrained_cfg").path("label_names")
                : config.path("label_names");
        if (!names.isArray() || names.isEmpty()) {
            return null;
        }
        JsonNode described = config.path("label_descriptions").isMissingNode() ? config.path("pretrained_cfg").path("label_descriptions")
                : config.path("label_descriptions");
        List<String> labels = new ArrayList<>();
        names.forEach(name -> labels.add(described.path(name.asText()).asText(name.asText())));
        return List.copyOf(labels);
    }
}
