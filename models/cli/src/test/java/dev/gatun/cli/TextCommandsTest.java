package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.testing.Goldens;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands over texts print what the goldens of their tasks say. */
class TextCommandsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    private static String model(String name) {
        return Goldens.path("heads/" + name).toString();
    }

    private static JsonNode expected(String name) throws IOException {
        return JSON.readTree(Goldens.path("heads/" + name).resolve("expected.json").toFile());
    }

    private record Outcome(int code, List<String> out, String err) {
        Outcome good() {
            assertEquals(0, code, err);
            return this;
        }

        void failed(int expected, String... parts) {
            assertEquals(expected, code, err);
            Stream.of(parts).forEach(part -> assertTrue(err.contains(part), "expected '" + part + "' in: " + err));
            assertEquals(List.of(), out);
        }

        JsonNode json(int line) throws IOException {
            return JSON.readTree(out.get(line));
        }
    }

    private static Outcome run(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Gatun.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
        return new Outcome(code, out.toString().lines().toList(), err.toString());
    }

    private String write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text).toString();
    }

    @ParameterizedTest
    @ValueSource(strings = {"classify-text", "zero-shot", "tag", "fill-mask", "answer", "rerank"})
    void everyCommandHasHelpAndNamesWhatIsMissing(String command) {
        Outcome help = run(command, "--help").good();
        assertTrue(help.out.getFirst().startsWith("Usage: gatun " + command), help.out.toString());
        run(command).failed(2, "--model");
    }

    @Test
    void textsAreClassified() throws IOException {
        JsonNode golden = expected("bert-classify");
        StringBuilder lines = new StringBuilder();
        golden.get("texts").forEach(text -> lines.append(text.asText()).append('\n'));
        Outcome found = run("classify-text", "--model", model("bert-classify"), "--input", write("in.txt", lines.toString()), "--json",
                "--top", "2").good();
        assertEquals(golden.get("texts").size(), found.out.size());
        for (int i = 0; i < found.out.size(); i++) {
            assertEquals(golden.get("texts").get(i).asText(), found.json(i).get("text").asText());
            assertEquals(2, found.json(i).get("labels").size());
            assertEquals(golden.get("labels").get(i).get(0).get("label"), found.json(i).get("labels").get(0).get("name"));
            assertEquals(golden.get("labels").get(i).get(0).get("score").asDouble(),
                    found.json(i).get("labels").get(0).get("score").asDouble(), 1e-5);
        }
        assertTrue(found.err.contains(found.out.size() + " texts"), found.err);
        String label = golden.get("labels").get(1).get(0).get("label").asText();
        String line = run("classify-text", "--model", model("bert-classify"), "a").good().out.getFirst();
        assertTrue(line.startsWith(label + " 0.") && line.endsWith("\ta"), line);
        InputStream old = System.in;
        try {
            System.setIn(new ByteArrayInputStream("a\tb\nc".getBytes(StandardCharsets.UTF_8)));
            run("classify-text", "--model", model("bert-classify"), "--pairs").failed(1, "line 2 has 0 tabs");
        } finally {
            System.setIn(old);
        }
        run("classify-text", "--model", model("bert-tag"), "a").failed(1, "use TokenTagger (gatun tag)");
        run("classify-text", "--model", model("bert-classify"), "--top", "0", "a")
                .failed(2, "'--top': must be a whole number of 1 or more, not 0");
        run("classify-text", "--model", model("bert-classify"), "--input", folder.resolve("none").toString())
                .failed(1, "none: does not exist");
    }

    @Test
    void labelsOfTheCallerAreJudged() throws IOException {
        JsonNode first = expected("roberta-nli").get("cases").get(0);
        Outcome found = run("zero-shot", "--model", model("roberta-nli"), "--labels", "old, a river,sing,the house is blue", "--json",
                first.get("text").asText()).good();
        assertEquals(first.get("labels").get(0), found.json(0).get("labels").get(0).get("name"));
        assertEquals(first.get("scores").get(0).asDouble(), found.json(0).get("labels").get(0).get("score").asDouble(), 1e-5);
        run("zero-shot", "--model", model("roberta-nli"), "--labels", "a,,b", "x").failed(2, "--labels has an empty label");
        run("zero-shot", "--model", model("roberta-nli"), "--labels", "a", "--template", "x", "x").failed(2, "--template must have {}");
        run("zero-shot", "--model", model("bert-classify"), "--labels", "a", "x")
                .failed(1, "label2id has no label that begins with entail");
    }

    @Test
    void partsOfTextsAreTagged() throws IOException {
        for (JsonNode c : expected("bert-tag").get("cases")) {
            if (!c.get("strategy").asText().equals("first") || c.get("tags").isEmpty()) {
                continue;
            }
            Outcome found = run("tag", "--model", model("bert-tag"), "--aggregation", "first", c.get("text").asText()).good();
            assertEquals(c.get("tags").size(), found.out.size());
            JsonNode tag = c.get("tags").get(0);
            String expected = String.format(Locale.ROOT, "1\t%d-%d\t%s\t", tag.get("start").asInt(), tag.get("end").asInt(),
                    tag.get("label").asText());
            assertTrue(found.out.getFirst().startsWith(expected), found.out.getFirst());
            assertEquals(tag.get("start"), run("tag", "--model", model("bert-tag"), "--aggregation", "first", "--json",
                    c.get("text").asText())
                    .good().json(0).get("tags").get(0).get("start"));
        }
        run("tag", "--model", model("bert-tag"), "--aggregation", "last", "a").failed(2, "--aggregation");
    }

    @Test
    void masksAreFilled() throws IOException {
        JsonNode golden = expected("bert-fill");
        Outcome found = run("fill-mask", "--model", model("bert-fill"), "--top", "2", golden.get("texts").get(2).asText()).good();
        assertEquals(6, found.out.size());
        assertTrue(found.out.get(2).startsWith("1\t2\t0."), found.out.get(2));
        assertTrue(found.out.get(2).endsWith("\t" + golden.get("fills").get(2).get(1).get(0).get("text").asText()), found.out.get(2));
        assertEquals(golden.get("fills").get(0).get(0).get(0).get("token"), run("fill-mask", "--model", model("bert-fill"), "--json",
                golden.get("texts").get(0).asText()).good().json(0).get("masks").get(0).get(0).get("token"));
        run("fill-mask", "--model", model("bert-fill"), "no mask here").failed(1, "has no [MASK]: write it where a word is missing");
    }

    @Test
    void questionsAreAnswered() throws IOException {
        JsonNode c = expected("bert-answer").get("cases").get(1);
        String context = write("context.txt", c.get("context").asText());
        Outcome found = run("answer", "--model", model("bert-answer"), "--context", context, "--top", "5", "--no-answer", "--json",
                c.get("question").asText()).good();
        assertEquals(c.get("answers").size(), found.json(0).get("answers").size());
        assertEquals(c.get("answers").get(0).get("text"), found.json(0).get("answers").get(0).get("text"));
        assertTrue(run("answer", "--model", model("bert-answer"), "--context", context, c.get("question").asText()).good().out.getFirst()
                .endsWith("\t" + c.get("answers").get(0).get("text").asText()));
        run("answer", "--model", model("bert-answer"), "--context", context, "who ".repeat(50)).failed(1, "room");
        run("answer", "--model", model("bert-answer"), "--context", context, "--longest", "0", "a")
                .failed(2, "'--longest': must be a whole number of 1 or more");
    }

    @Test
    void passagesAreRanked() throws IOException {
        JsonNode golden = expected("bert-rerank");
        String corpus = write("corpus.txt", golden.get("documents").get(2).asText() + "\n\n" + golden.get("documents").get(3).asText()
                + "\n");
        Outcome found = run("rerank", "--model", model("bert-rerank"), "--corpus", corpus, golden.get("query").asText()).good();
        boolean third = golden.get("scores").get(3).asDouble() > golden.get("scores").get(2).asDouble();
        assertEquals(2, found.out.size());
        assertTrue(found.out.getFirst().endsWith("  " + golden.get("documents").get(third ? 3 : 2).asText()), found.out.getFirst());
        Outcome json = run("rerank", "--model", model("bert-rerank"), "--corpus", corpus, "--json", "--top", "1",
                golden.get("query").asText()).good();
        assertEquals(golden.get("scores").get(third ? 3 : 2).asDouble(), json.json(0).get("ranked").get(0).get("score").asDouble(), 1e-5);
        String said = run("search", "--model", model("bert-rerank"), "--corpus", corpus, "a").good().err;
        assertTrue(said.contains("the head of BertForSequenceClassification is left out") && said.contains("gatun classify-text, rerank"),
                said);
        run("rerank", "--model", model("bert-classify"), "--corpus", corpus, "a").failed(1, "has 3 labels");
    }
}
