package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.Embeddings;
import dev.gatun.models.testing.Goldens;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GatunTest {
    private static final String TINY = Goldens.path("bert/tiny").toString();

    @TempDir
    Path folder;

    private record Outcome(int exitCode, String out, String err) {
        Outcome failed(String... parts) {
            return expect(1, parts);
        }

        Outcome misused(String... parts) {
            return expect(2, parts);
        }

        private Outcome expect(int code, String... parts) {
            assertEquals(code, exitCode, err);
            for (String part : parts) {
                assertTrue(err.contains(part), "expected '" + part + "' in: " + err);
            }
            assertEquals("", out);
            return this;
        }
    }

    private static Outcome run(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Gatun.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
        return new Outcome(code, out.toString(), err.toString());
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }

    private Outcome embed(Path input, Object... more) {
        Stream<String> fixed = Stream.of("embed", "--model", TINY, "--input", input.toString(), "--output", output().toString());
        return run(Stream.concat(fixed, Stream.of(more).map(Object::toString)).toArray(String[]::new));
    }

    private Path output() {
        return folder.resolve("out.npy");
    }

    private void assertNothingWritten() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(), files.filter(f -> f.toString().contains(".npy")).toList());
        }
    }

    private record Npy(int rows, int columns, float[] values) {
        static Npy read(Path file) throws IOException {
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
            assertEquals("\u0093NUMPY", new String(bytes.array(), 0, 6, StandardCharsets.ISO_8859_1));
            int headerLength = bytes.getShort(8);
            assertEquals(0, (10 + headerLength) % 64);
            String header = new String(bytes.array(), 10, headerLength, StandardCharsets.ISO_8859_1);
            assertTrue(header.startsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (") && header.endsWith("\n"), header);
            String[] shape = header.substring(header.indexOf("(") + 1, header.indexOf(")")).split(", *");
            float[] values = new float[(bytes.capacity() - 10 - headerLength) / 4];
            bytes.position(10 + headerLength).slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
            assertEquals(Integer.parseInt(shape[0]) * Integer.parseInt(shape[1]), values.length);
            return new Npy(Integer.parseInt(shape[0]), Integer.parseInt(shape[1]), values);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "info", "embed", "search", "demo"})
    void everyCommandHasHelp(String command) {
        Outcome outcome = command.isEmpty() ? run("--help") : run(command, "--help");
        assertEquals(0, outcome.exitCode());
        assertTrue(outcome.out().contains("Usage: gatun" + (command.isEmpty() ? "" : " " + command)), outcome.out());
        assertEquals("", outcome.err());
    }

    @ParameterizedTest
    @CsvSource({"translate, whisper/multilingual, gatun transcribe", "summarize, bert/tiny, gatun embed",
        "summarize, vit/vit, gatun classify", "transcribe, seq2seq-tasks/marian, gatun translate",
        "classify-text, whisper/multilingual, gatun transcribe", "tag, seq2seq-tasks/t5, gatun translate",
        "generate, bert/tiny, gatun embed", "translate, recurrent/tiny/lstm, gatun generate",
        "classify, whisper/english, gatun transcribe", "classify, recurrent/tiny/gru, gatun generate"})
    void aModelOfAnotherTaskIsRefusedWithTheCommandThatServesIt(String command, String model, String expected) {
        StringWriter err = new StringWriter();
        assertEquals(1, Gatun.run(new PrintWriter(new StringWriter()), new PrintWriter(err, true), command, "--model",
                Goldens.path(model).toString(), "x"));
        String said = err.toString().strip();
        assertTrue(said.startsWith("gatun: ") && said.contains("; use ") && said.contains("(" + expected)
                && said.lines().count() == 1, said);
    }

    @Test
    void wrongUsageHasExitCodeTwoAndSaysHow() {
        run().misused("name a command", "Usage: gatun");
        run("sing").misused("sing");
        run("embed").misused("--model", "--input", "--output");
        run("search", "--model", TINY, "--corpus", "x").misused("QUERY");
        run("embed", "--model", TINY, "--input", "x", "--output", "y", "--batch", "0")
                .misused("'--batch': must be a whole number of 1 or more, not 0");
        run("embed", "--model", TINY, "--input", "x", "--output", "y", "--threads", "0")
                .misused("'--threads': must be a whole number of 1 or more, not 0");
        run("embed", "--model", TINY, "--input", "x", "--output", "y", "--threads", "many").misused("--threads", "many");
        run("embed", "--model", TINY, "--input", "x", "--output", "y", "--pooling", "middle").misused("--pooling");
        run("search", "--model", TINY, "--corpus", "x", "--top", "0", "query")
                .misused("'--top': must be a whole number of 1 or more, not 0");
        for (String[] option : new String[][] {{"--dimension", "-3"}, {"--max-tokens", "-1"}, {"--windows", "1.5"}, {"--threads", "99999"},
                {"--precision", "f8"}}) {
            run("embed", "--model", TINY, "--input", "x", "--output", "y", option[0], option[1]).misused(option);
        }
        run("generate", "--sample", "--temperature", "-1", "text").misused("temperature");
        assertEquals(0, run("--version").exitCode());
    }

    @Test
    void infoTellsWhatIsLoaded() {
        Outcome outcome = run("info");
        assertEquals(0, outcome.exitCode(), outcome.err());
        for (String part : List.of("oneDNN                  3.", "OpenBLAS                OpenBLAS 0.3.", "libgatun", "CPU budget",
                "cache folder", "loaded dnnl", "gatun.chunk.tokens      128 (default); a whole number from 1")) {
            assertTrue(outcome.out().contains(part), "expected '" + part + "' in: " + outcome.out());
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1024", "2, 1", "2, 3"})
    void embedWritesARowForEachLineEmptyOnesToo(int threads, int batch) throws IOException {
        List<String> lines = List.of("a b", "", "the fox", "", "b", " ");
        Outcome outcome = embed(write("in.txt", String.join("\n", lines) + "\n"), "--threads", threads, "--batch", batch, "--json");
        assertEquals(0, outcome.exitCode(), outcome.err());
        Npy npy = Npy.read(output());
        assertEquals(6, npy.rows());
        assertEquals(40, npy.columns());
        try (EmbeddingModel model = EmbeddingModel.load(Path.of(TINY)); Embeddings expected = model.embed(lines)) {
            float[] all = expected.vectors().toArray(java.lang.foreign.ValueLayout.JAVA_FLOAT);
            assertArrayEquals(all, npy.values(), 2e-6f);
            JsonNode json = new ObjectMapper().readTree(outcome.out());
            assertEquals(1, outcome.out().lines().count());
            assertEquals(6, json.get("texts").asInt());
            assertEquals(expected.tokens(), json.get("tokens").asLong());
            assertTrue(json.get("seconds").asDouble() > 0 && json.get("textsPerSecond").asDouble() > 0);
        }
        assertTrue(outcome.err().contains("6 texts"), outcome.err());
        assertEquals(Files.getPosixFilePermissions(folder.resolve("in.txt")), Files.getPosixFilePermissions(output()), "as the umask says");
    }

    @Test
    void embedTakesPoolingAndLengthsAsAsked() throws IOException {
        Path in = write("in.txt", "a b\n");
        assertEquals(0, embed(in, "--pooling", "cls", "--no-normalize").exitCode());
        float[] cls = Npy.read(output()).values();
        assertEquals(0, embed(in).exitCode());
        double length = 0;
        double clsLength = 0;
        float[] mean = Npy.read(output()).values();
        for (int i = 0; i < 40; i++) {
            length += mean[i] * mean[i];
            clsLength += cls[i] * cls[i];
        }
        assertEquals(1, length, 1e-5);
        assertTrue(Math.abs(clsLength - 1) > 1e-3);
    }

    @Test
    void anEmptyInputGivesNoRows() throws IOException {
        Outcome outcome = embed(write("in.txt", ""), "--json");
        assertEquals(0, outcome.exitCode(), outcome.err());
        assertEquals(0, Npy.read(output()).rows());
        assertEquals(0, new ObjectMapper().readTree(outcome.out()).get("texts").asInt());
    }

    @Test
    void textsThatAreCutAreReported() throws IOException {
        Outcome outcome = embed(write("in.txt", "a ".repeat(500) + "\nb\n"));
        assertEquals(0, outcome.exitCode());
        assertTrue(outcome.err().contains("1 texts were longer than the model's positions and were cut"), outcome.err());
    }

    @Test
    void standardInputIsADash() throws IOException {
        InputStream old = System.in;
        try {
            System.setIn(new ByteArrayInputStream("a\n\nb".getBytes(StandardCharsets.UTF_8)));
            assertEquals(0, embed(Path.of("-")).exitCode());
            assertEquals(3, Npy.read(output()).rows());
            System.setIn(new ByteArrayInputStream("the fox\na\n".getBytes(StandardCharsets.UTF_8)));
            Outcome outcome = run("search", "--model", TINY, "--corpus", "-", "a");
            assertEquals("1.0000  a", outcome.out().lines().findFirst().orElseThrow());
        } finally {
            System.setIn(old);
        }
    }

    @Test
    void searchPrintsTheBestFirst() throws IOException {
        Path corpus = write("corpus.txt", "the quick brown fox\n\n  a b a  \nb\n");
        Outcome outcome = run("search", "--model", TINY, "--corpus", corpus.toString(), "--top", "2", "a b a", "b");
        assertEquals(0, outcome.exitCode(), outcome.err());
        List<String> lines = outcome.out().lines().toList();
        assertEquals("? a b a", lines.get(0));
        assertEquals("1.0000  a b a", lines.get(1));
        assertEquals("? b", lines.get(4));
        assertEquals("1.0000  b", lines.get(5));
        assertEquals(7, lines.size());
        Outcome empty = run("search", "--model", TINY, "--corpus", write("empty.txt", "\n \n").toString(), "a");
        assertEquals(0, empty.exitCode());
        assertEquals("", empty.out());
    }

    @Test
    void badInputIsNamedAndLeavesNothing() throws IOException {
        embed(folder.resolve("none.txt")).failed("gatun: " + folder.resolve("none.txt") + ": does not exist");
        embed(folder).failed("gatun: " + folder + ": is a folder, expected a file");
        Path invalid = Files.write(folder.resolve("invalid.txt"), new byte[] {'a', '\n', 'b', '\n', 'c', (byte) 0xff, '\n'});
        Outcome outcome = embed(invalid, "--batch", 1).failed("gatun: " + invalid + ": line 3: byte 2 is not valid UTF-8");
        assertFalse(outcome.err().contains("at dev.gatun"), "no stack trace unless asked for");
        assertTrue(embed(invalid, "--stacktrace").err().contains("at dev.gatun"));
        assertNothingWritten();
    }

    @Test
    void badOutputIsNamed() throws IOException {
        Path in = write("in.txt", "a\n");
        Path nowhere = folder.resolve("none/out.npy");
        run("embed", "--model", TINY, "--input", in.toString(), "--output", nowhere.toString()).failed("none: is not a folder");
        run("embed", "--model", TINY, "--input", in.toString(), "--output", folder.toString())
                .failed("is a folder, expected a file to write");
        run("embed", "--model", TINY, "--input", in.toString(), "--output", "/").failed("is a folder, expected a file to write");
    }

    @Test
    void badModelsAreNamed() throws IOException {
        Path in = write("in.txt", "a\n");
        Path none = folder.resolve("none");
        for (List<String> command : List.of(List.of("embed", "--input", in.toString(), "--output", output().toString()),
                List.of("search", "--corpus", in.toString(), "query"), List.of("demo"))) {
            String[] args = Stream.concat(command.stream().limit(1), Stream.concat(Stream.of("--model", none.toString()),
                    command.stream().skip(1))).toArray(String[]::new);
            run(args).failed("gatun: " + none + ": does not exist; expected a model's folder or a file of weights");
        }
        run("search", "--model", folder.toString(), "--corpus", in.toString(), "query").failed("has neither model.safetensors");
        assertNothingWritten();
    }

    @Test
    void whatMayNotBeReadIsNamed() throws IOException {
        Path secret = write("secret.txt", "a\n");
        Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("-wx------"));
        assumeFalse(Files.isReadable(secret), "this user may read everything");
        embed(secret).failed("gatun: " + secret + ": may not be read by this user");
    }
}
