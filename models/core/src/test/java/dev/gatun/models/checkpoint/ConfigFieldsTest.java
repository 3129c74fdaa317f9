package dev.gatun.models.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ConfigFieldsTest {
    private static final Path FILE = Path.of("config.json");

    private static ConfigFields fields(String json) {
        try {
            return ConfigFields.of(FILE, new ObjectMapper().readTree(json));
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    private static void refused(String expected, org.junit.jupiter.api.function.Executable read) {
        assertEquals("config.json: " + expected, assertThrows(WeightException.class, read).getMessage());
    }

    @Test
    void valuesAreReadAndChecked() {
        ConfigFields f = fields("{\"a\": 12, \"b\": 12.0, \"x\": 1e-12, \"t\": \"bert\", \"yes\": true, \"none\": null,"
                + " \"sizes\": [3, 4, 23, 3], \"means\": [0.5, 1], \"names\": [\"one\", \"two\"]}");
        assertEquals(12, f.integer("a", 1, 12));
        assertEquals(12, f.integer("b", 1, 100));
        assertEquals(7, f.integer("none", 1, 100, 7));
        assertEquals(1e-12, f.number("x"));
        assertEquals(0.5, f.number("absent", 0.5));
        assertEquals("bert", f.text("t"));
        assertNull(f.text("absent", null));
        assertTrue(f.flag("yes", false));
        assertFalse(f.flag("none", false));
        assertEquals(1, f.choice("t", Map.of("bert", 1, "roberta", 2)));
        assertEquals(3, f.choice("absent", 3, Map.of("bert", 1)));
        assertArrayEquals(new int[] {3, 4, 23, 3}, f.integers("sizes", 1, 100));
        assertArrayEquals(new double[] {0.5, 1}, f.numbers("means"));
        assertEquals(List.of("one", "two"), f.texts("names"));
        assertNull(f.integers("absent", 0, 1));
    }

    @Test
    void errorsNameFileFieldExpectedAndFound() {
        ConfigFields f = fields("{\"a\": 12.5, \"big\": 1000000000000, \"t\": \"bert\", \"o\": {\"type\": 7}, \"l\": [1, \"x\"],"
                + " \"long\": \""
                + "y".repeat(5000) + "\", \"huge\": 1" + "0".repeat(400) + "}");
        refused("hidden_size is missing, expected an integer of 1 or more", () -> f.integer("hidden_size", 1, Integer.MAX_VALUE));
        refused("a is 12.5, expected an integer from 1 to 20", () -> f.integer("a", 1, 20));
        refused("big is 1000000000000, expected an integer of 1 or more", () -> f.integer("big", 1, Integer.MAX_VALUE, 3));
        refused("t is \"bert\", expected a number", () -> f.number("t"));
        refused("a is 12.5, expected a text", () -> f.text("a"));
        refused("t is \"bert\", expected true or false", () -> f.flag("t", true));
        refused("t is \"bert\", expected gpt2 or roberta", () -> f.choice("t", Map.of("roberta", 1, "gpt2", 2)));
        refused("l is [1,\"x\"], expected a list of integers from 0 to 9", () -> f.integers("l", 0, 9));
        refused("l is [1,\"x\"], expected a list of texts", () -> f.texts("l"));
        refused("t is \"bert\", expected an object", () -> f.object("t"));
        refused("o.type is 7, expected a text", () -> f.object("o").text("type"));
        refused("o.theta is missing, expected a number", () -> f.object("o").number("theta"));
        refused("none.theta is missing, expected a number", () -> f.object("none").number("theta"));
        String message = assertThrows(WeightException.class, () -> f.number("long")).getMessage();
        assertTrue(message.length() < 200 && message.contains("(5002 characters)"), message);
        assertTrue(assertThrows(WeightException.class, () -> f.integer("huge", 1, 9)).getMessage().length() < 200);
    }

    @Test
    void fieldsThatAreHonouredAtSomeValuesOnly() {
        ConfigFields f = fields("{\"position_embedding_type\": \"relative_key\", \"is_decoder\": true, \"n\": 2, \"null\": null}");
        f.require("absent", "absolute");
        f.require("null", "absolute");
        f.require("position_embedding_type", "absolute", "relative_key");
        f.require("n", 1, 2);
        refused("position_embedding_type is \"relative_key\", expected absolute", () -> f.require("position_embedding_type", "absolute"));
        refused("is_decoder is true, expected false", () -> f.require("is_decoder", false));
        refused("n is 2, expected no such field", () -> f.require("n"));
    }

    @Test
    void whatWasNeverAskedForIsListed() {
        ConfigFields f = fields("{\"a\": 1, \"b\": 2, \"c\": null, \"rope\": {\"type\": \"linear\", \"factor\": 2}, \"other\": {\"x\":"
                + " 1}, \"version\": \"5\"}");
        assertEquals(List.of("a", "b", "rope", "other", "version"), f.unread());
        f.integer("a", 0, 9);
        f.object("rope").text("type");
        f.ignore("version", "absent");
        assertTrue(f.has("b"));
        assertEquals(List.of("b", "rope.factor", "other"), f.unread());
        assertEquals(List.of(), ConfigFields.of(FILE, MissingNode.getInstance()).unread());
        assertFalse(ConfigFields.of(FILE, MissingNode.getInstance()).has("a"));
    }
}
