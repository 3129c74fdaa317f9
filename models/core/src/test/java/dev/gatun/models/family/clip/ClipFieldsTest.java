package dev.gatun.models.family.clip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.vision.VisionNetwork;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each field that transformers writes of a tower: another value changes what is computed, or is refused, or it is listed here. */
class ClipFieldsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Of training; of ids that tokenizers know themselves; of towers, whose projection is that of the whole. */
    private static final Set<String> IRRELEVANT = Set.of("attention_dropout", "bos_token_id", "dtype", "initializer_factor",
            "initializer_range", "pad_token_id", "projection_dim");

    @TempDir
    Path folder;

    private String refusal;

    @ParameterizedTest
    @ValueSource(strings = {"clip", "siglip"})
    void noFieldOfATowerIsIgnoredThatChangesNumbers(String name) throws IOException {
        Path golden = Goldens.path("clip/" + name);
        Files.copy(golden.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        ObjectNode config = (ObjectNode) JSON.readTree(golden.resolve("config.json").toFile());
        String served = outcome(config);
        assertNotNull(served, () -> refusal);
        for (String tower : List.of("text_config", "vision_config")) {
            Set<String> same = new TreeSet<>();
            Set<String> listed = new TreeSet<>();
            for (String field : StreamSupport.stream(((Iterable<String>) () -> config.get(tower).fieldNames()).spliterator(), false)
                    .toList()) {
                ObjectNode other = config.deepCopy();
                ((ObjectNode) other.get(tower)).set(field, other(config.get(tower).get(field)));
                if (served.equals(outcome(other))) {
                    same.add(field);
                }
                if (IRRELEVANT.contains(field) || name.equals("siglip") && field.equals("eos_token_id")) {
                    listed.add(field);
                }
            }
            assertEquals(listed, same, name + " " + tower);
        }
    }

    private static JsonNode other(JsonNode value) {
        JsonNodeFactory f = JsonNodeFactory.instance;
        return value.isBoolean() ? f.booleanNode(!value.booleanValue()) : value.isIntegralNumber() ? f.numberNode(value.intValue() + 1)
                : value.isNumber() ? f.numberNode(value.doubleValue() * 2 + 0.125) : f.textNode("something");
    }

    private String outcome(JsonNode config) throws IOException {
        Files.writeString(folder.resolve("config.json"), config.toString());
        Checkpoint checkpoint = Checkpoint.open(folder);
        try (Arena arena = Arena.ofConfined()) {
            TextEncoder text = new ClipText().describe(checkpoint, checkpoint.source(arena));
            VisionNetwork vision = ClipVision.describe(checkpoint.configFile(), checkpoint.config(), checkpoint.source(arena), true, arena);
            return text.spec() + Arrays.toString(
                    text.tower().ids().of(new int[] {0, 5, 2, 1, 7}, 1)) + vision.spec() + vision.trunk()
                    + vision.head();
        } catch (WeightException | IllegalArgumentException e) {
            refusal = e.getMessage();
            assertNotNull(refusal);
            return null;
        }
    }
}
