package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class BenchModelCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        return Gatun.run(new PrintWriter(out), new PrintWriter(err), args);
    }

    @Test
    void imagesAndTextsPerSecond() throws IOException {
        assertEquals(0, run("bench-model", "--seconds", "0.3", "--batch", "3", "--workers", "2", "--json"), err.toString());
        JsonNode json = new ObjectMapper().readTree(out.toString());
        assertTrue(json.get("imagesPerSecond").asDouble() > 1);
        assertTrue(json.at("/latencyMillis/p50").asDouble() <= json.at("/latencyMillis/p99").asDouble());
        assertEquals(2, json.get("workers").asInt());
        out.getBuffer().setLength(0);
        assertEquals(0, run("bench-model", "--model", Goldens.path("vit/vit").toString(), "--seconds", "0.3", "--json"), err.toString());
        assertTrue(new ObjectMapper().readTree(out.toString()).get("imagesPerSecond").asDouble() > 1);
        out.getBuffer().setLength(0);
        assertEquals(0, run("bench-model", "--model", Goldens.path("bert/tiny").toString(), "--seconds", "0.3", "--seq-len", "7",
                "--threads", "1", "--json"), err.toString());
        json = new ObjectMapper().readTree(out.toString());
        assertEquals(json.get("textsPerSecond").asDouble() * 7, json.get("tokensPerSecond").asDouble(),
                1e-6 * json.get("tokensPerSecond").asDouble());
        out.getBuffer().setLength(0);
        assertEquals(0, run("bench-model", "--model", Goldens.path("recurrent/tiny/lstm").toString(), "--seconds", "0.3", "--seq-len", "7",
                "--batch", "2", "--precision", "int8", "--json"), err.toString());
        json = new ObjectMapper().readTree(out.toString());
        assertEquals("rnn-language-model int8", json.get("architecture").asText());
        assertTrue(json.get("tokensPerSecond").asDouble() > 1);
    }

    @Test
    void misuseIsExplained() {
        assertEquals(2, run("bench-model", "--batch", "0"));
        assertEquals(2, run("bench-model", "--model", Goldens.path("bert/tiny").toString(), "--seq-len", "100000"));
        assertTrue(err.toString().contains("the model's positions end at"), err.toString());
    }
}
