package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.task.summarize.Summarizer;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** translate and summarize on folders of Hugging Face's. */
class PublicModelsCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Gatun.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
    }

    private static String folder(String name) {
        return Goldens.path("seq2seq-tasks/" + name).toString();
    }

    private static JsonNode expected(String name) throws IOException {
        return new ObjectMapper().readTree(Path.of(folder(name), "expected.json").toFile());
    }

    @Test
    void filesAreTranslatedLineByLine(@TempDir Path temporary) throws IOException {
        JsonNode expected = expected("m2m_100");
        Path input = temporary.resolve("in.txt");
        Path output = temporary.resolve("out.txt");
        Files.writeString(input, expected.path("texts").get(0).asText() + "\n\n" + expected.path("texts").get(1).asText() + "\n");
        assertEquals(0, run("translate", "--model", folder("m2m_100"), "--src", "fr", "--tgt", "de", "--input", input.toString(),
                "--output", output.toString()), err::toString);
        assertEquals(expected.path("found").get(0).asText() + "\n\n" + expected.path("found").get(1).asText() + "\n",
                Files.readString(output));
        assertEquals(1, run("translate", "--model", folder("m2m_100"), "--tgt", "xx", "a"));
        assertTrue(err.toString().contains("target language xx: the model has af, am"), err.toString());
        assertEquals(2, run("translate", "--tgt", "de", "a"));
    }

    @Test
    void rulesChangeWhatIsGenerated() throws IOException {
        String text = expected("t5").path("texts").get(0).asText();
        try (Summarizer summarizer = Summarizer.load(Path.of(folder("t5")))) {
            String plain = summarizer.summarize(text);
            String greedy = summarizer.summarize(List.of(text), summarizer.generation().numBeams(1)
                    .earlyStopping(GenerationOptions.EarlyStopping.FALSE).noRepeatNgramSize(1).repetitionPenalty(3).build()).getFirst();
            String beams = summarizer.summarize(List.of(text), summarizer.generation().numBeams(3).lengthPenalty(-2).build()).getFirst();
            assertNotEquals(plain, greedy);
            assertEquals(0, run("summarize", "--model", folder("t5"), "--beams", "1", "--no-repeat-ngram-size", "1",
                    "--repetition-penalty", "3", text), err::toString);
            assertEquals(greedy, out.toString().strip());
            assertEquals(0, run("summarize", "--model", folder("t5"), "--beams", "3", "--length-penalty", "-2", text), err::toString);
            assertEquals(beams, out.toString().strip());
        }
        assertEquals(2, run("translate", "--beams", "1", "--length-penalty", "2", "<en> 1 May 2020"));
        assertTrue(err.toString().contains("give --beams"), err.toString());
    }

    @Test
    void summariesGoOnWhereTheyStopped(@TempDir Path temporary) throws IOException {
        JsonNode expected = expected("t5");
        Path input = temporary.resolve("in.txt");
        Path output = temporary.resolve("out.txt");
        Path part = temporary.resolve("out.txt.part");
        String first = expected.path("found").get(0).asText();
        String second = expected.path("found").get(1).asText();
        Files.writeString(input, expected.path("texts").get(0).asText() + "\n\n" + expected.path("texts").get(1).asText() + "\n");
        Files.writeString(part, first + "\n\nhalf a li");
        String[] command = {"summarize", "--model", folder("t5"), "--input", input.toString(), "--output", output.toString(), "--resume"};
        assertEquals(0, run(command), err::toString);
        assertTrue(err.toString().contains("2 lines are done already"), err.toString());
        assertEquals(first + "\n\n" + second + "\n", Files.readString(output));
        assertTrue(Files.notExists(part));
        Files.writeString(part, "of another model\n");
        assertEquals(1, run(command));
        assertTrue(err.toString().contains("its last line is not what this model makes of line 1"), err.toString());
        assertEquals(2, run("summarize", "--model", folder("t5"), "--resume", "a"));
        Path drawing = Files.createDirectory(temporary.resolve("drawing"));
        try (Stream<Path> files = Files.list(Path.of(folder("t5")))) {
            for (Path file : files.toList()) {
                Files.copy(file, drawing.resolve(file.getFileName()));
            }
        }
        Files.writeString(drawing.resolve("generation_config.json"), "{\"do_sample\": true, \"decoder_start_token_id\": 0}");
        command[2] = drawing.toString();
        assertEquals(2, run(command));
        assertTrue(err.toString().contains("--resume: the folder's generation_config.json says do_sample"), err.toString());
    }

    @Test
    void summariesAsTextAndAsJson(@TempDir Path temporary) throws IOException {
        JsonNode expected = expected("t5");
        String text = expected.path("texts").get(0).asText();
        assertEquals(0, run("summarize", "--model", folder("t5"), text), err::toString);
        assertEquals(expected.path("found").get(0).asText(), out.toString().strip());
        Path file = Files.writeString(temporary.resolve("a.txt"), text);
        assertEquals(0, run("summarize", "--model", folder("t5"), "--json", "--file", file.toString()), err::toString);
        assertEquals(expected.path("found").get(0).asText(), new ObjectMapper().readTree(out.toString()).path("summary").asText());
        assertEquals(2, run("summarize", "--model", folder("t5"), "--beams", "0", text));
        assertEquals(0, run("summarize", "--model", folder("t5"), "--precision", "f16", text), err::toString);
        assertEquals(expected.path("found").get(0).asText(), out.toString().strip());
        assertEquals(2, run("summarize", "--model", folder("t5"), "--precision", "f64", text));
        assertEquals(0, run("inspect", folder("t5"), "--precision", "int8"), err::toString);
        assertTrue(out.toString().contains("decoder.0.cross.key"), out.toString());
        assertEquals(1, run("summarize", "--model", folder("t5"), "--file", "nowhere"));
        assertEquals("gatun: nowhere: does not exist", err.toString().strip());
    }
}
