package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    Path folder;

    private int run(String... args) {
        return Gatun.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
    }

    @Test
    void everyFamilyIsNamed() {
        assertEquals(0, run("inspect", Goldens.path("bert/tiny").toString()));
        assertEquals(0, run("inspect", Goldens.path("bert/tiny-onnx").toString()));
        assertEquals(0, run("inspect", Goldens.path("cnn/textbook-small").toString()));
        assertEquals(0, run("inspect", Goldens.path("transformer/token/tied-learned-post-gelu/model.safetensors").toString()));
        String text = out.toString();
        assertTrue(text.contains("served by   bert") && text.contains("served by   textbook-cnn")
                && text.contains("served by   token model"), text);
        assertTrue(text.contains("sizes       input_height 12, input_width 8, hidden_size 11, num_classes 4"), text);
    }

    @Test
    void anOnnxFileShowsItsKernelsAndGraphs() {
        String file = Goldens.path("onnx-encoders/bert.onnx").toString();
        assertEquals(0, run("inspect", file));
        String text = out.toString();
        assertTrue(text.contains("input input_ids INT64 [batch, sequence]") && text.contains("output last_hidden_state FLOAT [")
                && text.contains("attention"), text);
        assertEquals(0, run("inspect", "--graph", "--size", "batch=2", "--size", "sequence=16", file));
        assertEquals(0, run("inspect", "--after", "join-projections", "--size", "sequence=16", file));
        String graphs = out.toString().substring(text.length());
        assertTrue(graphs.contains("Attention") && graphs.contains("(Gather)"), graphs);
        assertTrue(run("inspect", "--after", "no-such", file) != 0);
    }

    @Test
    void jsonIsOneObject() throws IOException {
        assertEquals(0, run("inspect", "--json", Goldens.path("bert/tiny").toString()));
        JsonNode json = new ObjectMapper().readTree(out.toString());
        assertEquals("bert", json.path("family").asText());
        assertEquals(46_736, json.path("parameters").asLong());
        assertEquals(55, json.path("types").path("F32").path("tensors").asLong());
    }

    /** RoBERTa's tensors are called as BERT's. */
    @Test
    void weightsThatSayNothingAreNotTakenForBert() throws IOException {
        Path weights = folder.resolve("model.safetensors");
        Files.copy(Goldens.path("bert/tiny/model.safetensors"), weights);
        assertEquals(1, run("inspect", folder.toString()));
        Files.writeString(folder.resolve("config.json"), "{\"hidden_size\": 36}");
        assertEquals(0, run("inspect", folder.toString()));
        Files.copy(Goldens.path("families/roberta/model.safetensors"), weights, StandardCopyOption.REPLACE_EXISTING);
        assertEquals(1, run("inspect", folder.toString()));
        assertEquals(2, out.toString().lines().filter(line -> line.contains("served by   nothing")).count(), out.toString());
    }

    @Test
    void whatIsNotServedFails() throws IOException {
        Files.writeString(folder.resolve("pytorch_model.bin"), "x");
        assertEquals(1, run("inspect", folder.toString()));
        assertTrue(out.toString().contains("served by   nothing") && out.toString().contains("convert it: python -c"), out.toString());
        assertEquals(1, run("inspect", folder.resolve("none").toString()));
        assertTrue(err.toString().contains("none: does not exist"), err.toString());
        assertEquals(2, run("inspect"));
    }
}
