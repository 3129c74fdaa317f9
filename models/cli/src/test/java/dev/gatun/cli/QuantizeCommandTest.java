package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuantizeCommandTest {
    private static final Path SAMPLES = Files.isDirectory(Path.of("../core/src/samples/digits"))
            ? Path.of("../core/src/samples/digits") : Path.of("models/core/src/samples/digits");

    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Gatun.run(new PrintWriter(out), new PrintWriter(err), args);
    }

    @Test
    void quantizeThenClassifyThenMeasure() throws IOException {
        String output = folder.resolve("int8").toString();
        assertEquals(0, run("quantize", "--calibration", SAMPLES.toString(), "--output", output), err.toString());
        assertTrue(out.toString().contains("conv1"), out.toString());
        assertTrue(out.toString().contains("20 calibration pictures"), out.toString());
        assertEquals(0, run("quantize", "--calibration", SAMPLES.toString(), "--output", output, "--percentile", "99.9", "--json"),
                err.toString());
        JsonNode json = new ObjectMapper().readTree(out.toString());
        assertEquals("conv1", json.at("/layers/0/layer").asText());
        assertEquals(0, run("classify", "--model", output, SAMPLES.toString(), "--top", "1"), err.toString());
        out.toString().lines().forEach(line -> assertTrue(line.matches(".*digit-(\\d)-\\d+\\.png: \\1 .*"), line));
        assertEquals(0, run("classify", "--model", output, "--precision", "int8", SAMPLES.resolve("digit-0-0010.png").toString()),
                err.toString());
        assertEquals(1, run("classify", "--precision", "int8", SAMPLES.resolve("digit-0-0010.png").toString()));
        assertTrue(err.toString().contains("--precision int8: the model is f32; gatun quantize makes"), err.toString());
        assertEquals(0, run("bench-model", "--model", output, "--precision", "int8", "--seconds", "0.2", "--json"), err.toString());
        assertTrue(new ObjectMapper().readTree(out.toString()).get("imagesPerSecond").asDouble() > 1);
    }

    @Test
    void anEmptyCalibrationSetIsRefused() {
        assertEquals(1, run("quantize", "--calibration", folder.toString(), "--output", folder.resolve("o").toString()));
        assertTrue(err.toString().contains("no calibration pictures there"), err.toString());
        assertEquals(2, run("quantize", "--output", folder.toString()));
    }
}
