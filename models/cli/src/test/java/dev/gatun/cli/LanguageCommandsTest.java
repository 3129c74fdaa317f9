package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code perplexity} and {@code generate}, by the model that ships. */
class LanguageCommandsTest {
    @TempDir
    Path folder;

    private static String run(int code, String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        assertEquals(code, Gatun.run(new PrintWriter(out), new PrintWriter(err), args), err.toString());
        return code == 0 ? out.toString() : err.toString();
    }

    @Test
    void aTextIsScoredAndGoesOn() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "The Congress shall assemble at least once in every Year.\n");
        assertTrue(run(0, "perplexity", "--input", text.toString(), "--threads", "1").matches("[1-9]\\.\\d+\t56 tokens\\R"));
        String greedy = run(0, "generate", "The Congress shall ", "--max-new-tokens", "12", "--threads", "1");
        assertEquals(19 + 12, greedy.stripTrailing().length() + (greedy.endsWith(" \n") ? 1 : 0));
        assertEquals(run(0, "generate", "We ", "--sample", "--seed", "3", "--count", "2"), run(0, "generate", "We ", "--sample", "--seed",
                "3", "--count", "2"));
        assertTrue(run(1, "generate", "\u20ac").contains("the vocabulary has no '\u20ac'"));
        assertTrue(run(1, "perplexity", "--input", "nowhere").contains("gatun: nowhere: does not exist"));
        assertTrue(run(1, "perplexity", "--input", folder.toString()).contains("is a folder, expected a file"));
        Files.write(text, new byte[] {'a', (byte) 0xff});
        assertTrue(run(1, "perplexity", "--input", text.toString()).contains("is not valid UTF-8"));
        assertTrue(run(2, "generate", "We ", "--top-k", "3").contains("do_sample"));
        assertTrue(run(2, "generate", "We ", "--min-p", "0.5").contains("do_sample"));
    }

    @Test
    void precisionsOfTheModel() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "The Congress shall assemble at least once in every Year.\n");
        String exact = run(0, "perplexity", "--input", text.toString());
        String narrow = run(0, "perplexity", "--input", text.toString(), "--precision", "int8");
        assertNotEquals(exact, narrow);
        assertEquals(Double.parseDouble(exact.split("\t")[0]), Double.parseDouble(narrow.split("\t")[0]), 0.05);
        run(0, "generate", "We ", "--precision", "f16", "--max-new-tokens", "3");
        assertTrue(run(2, "generate", "We ", "--precision", "int4").contains("expected f32, bf16, f16, int8 or auto"));
    }

    private static JsonNode expected(String name) throws IOException {
        return new ObjectMapper().readTree(sequences("sequences.json").toFile()).get(name);
    }

    private static Path sequences(String name) {
        return Path.of("../core/src/test/resources/golden/recurrent/sequences").resolve(name);
    }

    @Test
    void recurrentTaggersTagWords() throws IOException {
        JsonNode first = expected("tagger-crf").get(2);
        String text = "  " + String.join(" ", strings(first.get("words")));
        String[] lines = run(0, "tag", "--model", sequences("tagger-crf").toString(), text).split("\\R");
        assertEquals(first.get("words").size(), lines.length);
        int at = 2;
        for (int i = 0; i < lines.length; i++) {
            String word = first.get("words").get(i).asText();
            assertEquals("1\t" + at + "-" + (at + word.length()) + "\t" + first.get("tags").get(i).asText() + "\t" + word, lines[i]);
            at += word.length() + 1;
        }
        JsonNode json = new ObjectMapper().readTree(run(0, "tag", "--model", sequences("tagger-crf").toString(), "--json", text));
        assertEquals(first.get("tags").get(0).asText(), json.get("tags").get(0).get("label").asText());
        assertTrue(run(2, "tag", "--model", sequences("tagger").toString(), "--aggregation", "first", text).contains("--aggregation"));
        assertTrue(run(1, "tag", "--model", sequences("forecaster").toString(), text).contains("gatun forecast"));
    }

    private static List<String> strings(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false).map(JsonNode::asText).toList();
    }

    @Test
    void seriesAreForecast() throws IOException {
        StringBuilder csv = new StringBuilder("a,b,c\n");
        for (JsonNode each : expected("forecaster")) {
            each.get("series").forEach(step -> csv.append(String.join(",", strings(step))).append('\n'));
            csv.append("\n");
        }
        Path file = Files.writeString(folder.resolve("series.csv"), csv);
        String model = sequences("forecaster").toString();
        String[] lines = run(0, "forecast", "--model", model, "--input", file.toString(), "--threads", "1").split("\\R");
        assertEquals(expected("forecaster").size(), lines.length);
        for (int i = 0; i < lines.length; i++) {
            for (int j = 0; j < 2; j++) {
                assertEquals(expected("forecaster").get(i).get("next").get(j).asDouble(), Double.parseDouble(lines[i].split(",")[j]), 1e-5);
            }
        }
        Files.writeString(file, "1,2,3\n1,2\n");
        assertTrue(run(1, "forecast", "--model", model, "--input", file.toString()).contains("line 2: has 2 fields, the model takes 3"));
        Files.writeString(file, "1,2,3\n1,x,3\n");
        assertTrue(run(1, "forecast", "--model", model, "--input", file.toString()).contains("line 2: 'x' is no number"));
        Files.writeString(file, "1,2,NaN\n");
        assertTrue(run(1, "forecast", "--model", model, "--input", file.toString()).contains("NaN, expected finite"));
        Files.writeString(file, "a,b,c\n\n");
        assertTrue(run(1, "forecast", "--model", model, "--input", file.toString()).contains("has no numbers"));
        assertTrue(run(1, "forecast", "--model", sequences("tagger").toString(), "--input", file.toString()).contains("gatun tag"));
    }

    @Test
    void rulesOfGeneration() {
        String plain = run(0, "generate", "The Congress shall ", "--max-new-tokens", "60").strip();
        assertEquals(plain, run(0, "generate", "The Congress shall ", "--max-new-tokens", "60", "--sample", "--min-p", "1", "--seed", "5")
                .strip());
        String end = plain.substring(30, 33);
        String stopped = run(0, "generate", "The Congress shall ", "--max-new-tokens", "60", "--stop", end).stripTrailing();
        assertEquals(plain.substring(0, plain.indexOf(end, 17) + 3).stripTrailing(), stopped);
        String free = run(0, "generate", "The Congress shall ", "--max-new-tokens", "150", "--no-repeat-ngram-size", "4").stripTrailing();
        Set<String> grams = new HashSet<>();
        for (int i = 0; i + 4 <= free.length(); i++) {
            assertTrue(grams.add(free.substring(i, i + 4)), free);
        }
        assertNotEquals(run(0, "generate", "We ", "--sample", "--seed", "3"),
                run(0, "generate", "We ", "--sample", "--seed", "3", "--typical-p", "0.2"));
    }
}
