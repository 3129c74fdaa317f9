package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.io.NpyFile;
import dev.gatun.models.testing.ChildJvm;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What commands write: links, pipes, what an interrupted run leaves, and going on with it. */
class OutputTest {
    private static final String TINY = Goldens.path("bert/tiny").toString();
    private static final long HEADER = 128;
    private static final long ROW = 40 * Float.BYTES;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    Path folder;

    private int run(Object... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Gatun.run(new PrintWriter(out, true), new PrintWriter(err, true),
                Stream.of(args).map(Object::toString).toArray(String[]::new));
    }

    private int embed(Path input, Path output, Object... more) {
        return run(Stream.concat(Stream.of("embed", "--model", TINY, "--batch", "1", "--threads", "1", "--input", input, "--output",
                output),
                Stream.of(more)).toArray());
    }

    private Path lines(String... lines) throws IOException {
        return Files.writeString(folder.resolve("in.txt"), String.join("\n", lines) + "\n");
    }

    private static float[] vectors(Path npy) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return NpyFile.open(npy, arena).data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
        }
    }

    private Path fifo() throws Exception {
        Path fifo = folder.resolve("fifo");
        assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
        return fifo;
    }

    @Test
    void aLinkStaysAndWhatItLeadsToIsReplaced() throws IOException {
        Path real = Files.writeString(folder.resolve("real.npy"), "old");
        Path link = Files.createSymbolicLink(folder.resolve("link.npy"), Path.of("real.npy"));
        assertEquals(0, embed(lines("a", "b"), link), err::toString);
        assertTrue(Files.isSymbolicLink(link));
        assertEquals(80, vectors(real).length);
        Path dangling = Files.createSymbolicLink(folder.resolve("dangling.npy"), Path.of("nowhere"));
        assertEquals(1, embed(lines("a"), dangling));
        assertTrue(err.toString().contains("dangling.npy: is a link to nowhere, which does not exist"), err.toString());
    }

    @Test
    void aPipeIsWrittenThroughOrRefused() throws Exception {
        Path fifo = fifo();
        Process reader = new ProcessBuilder("cat", fifo.toString()).start();
        assertEquals(1, embed(lines("a"), fifo));
        assertTrue(err.toString().contains("fifo: is a pipe or a device; .npy needs a file"), err.toString());
        reader.destroy();
        Path lines = Files.move(fifo, folder.resolve("pipe.jsonl"));
        reader = new ProcessBuilder("cat", lines.toString()).start();
        assertEquals(0, embed(lines("a b", ""), lines), err::toString);
        List<String> read = reader.inputReader().lines().toList();
        assertEquals(2, read.size());
        JsonNode first = new ObjectMapper().readTree(read.getFirst());
        assertEquals("a b", first.get("text").asText());
        assertEquals(40, first.get("vector").size());
        assertTrue(Files.exists(lines) && !Files.isRegularFile(lines, LinkOption.NOFOLLOW_LINKS), "still a pipe");
    }

    /** Embeds what comes through a pipe until two of three lines are written, and ends the process. */
    private void interrupted(Path output, String... more) throws Exception {
        Path fifo = fifo();
        List<String> command = new java.util.ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-cp", ChildJvm.classPath(), Gatun.class.getName(), "embed", "--model", TINY,
                        "--batch", "1",
                "--input", fifo.toString(), "--output", output.toString()));
        command.addAll(List.of(more));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        Path part = output.resolveSibling(output.getFileName() + ".part");
        try (PrintWriter writer = new PrintWriter(Files.newBufferedWriter(fifo))) {
            writer.print("a\nb a\n");
            writer.flush();
            for (int i = 0; i < 3000 && !(Files.exists(part) && Files.size(part) >= HEADER + 2 * ROW); i++) {
                LockSupport.parkNanos(10_000_000);
            }
            assertTrue(Files.exists(part), "nothing is written yet");
            assertFalse(Files.exists(output), "not under its name before it is whole");
            process.toHandle().destroy();
            String said = new String(process.getInputStream().readAllBytes());
            assertTrue(process.waitFor(30, TimeUnit.SECONDS));
            assertFalse(said.contains("Exception"), said);
            assertEquals(143, process.exitValue(), said);
        }
        Files.delete(fifo);
    }

    @Test
    void anInterruptedRunLeavesNothing() throws Exception {
        interrupted(folder.resolve("out.npy"));
        try (Stream<Path> left = Files.list(folder)) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    void resumeGoesOnWhereARunWasInterrupted() throws Exception {
        Path resumed = folder.resolve("out.npy");
        interrupted(resumed, "--resume");
        Path part = folder.resolve("out.npy.part");
        Files.write(part, new byte[] {1, 2, 3}, java.nio.file.StandardOpenOption.APPEND);
        Path input = lines("a", "b a", "", "the fox");
        assertEquals(1, embed(lines("a", "another", "c"), resumed, "--resume"));
        assertTrue(err.toString().contains("its last vector is not what this model makes of line 2"), err.toString());
        assertEquals(1, embed(lines("a"), resumed, "--resume"));
        assertTrue(err.toString().contains("has only 1 lines"), err.toString());
        lines("a", "b a", "", "the fox");
        assertEquals(0, embed(input, resumed, "--resume"), err::toString);
        assertTrue(err.toString().contains("2 texts are done already"), err.toString());
        assertFalse(Files.exists(part));
        Path whole = folder.resolve("whole.npy");
        assertEquals(0, embed(input, whole));
        assertArrayEquals(vectors(whole), vectors(resumed), 1e-6f);
    }

    @Test
    void linesAndTranslationsResumeToo() throws IOException {
        Path output = folder.resolve("out.jsonl");
        assertEquals(0, embed(lines("a", "b"), output));
        String whole = Files.readString(output);
        Files.writeString(folder.resolve("out.jsonl.part"), whole.substring(0, whole.length() - 5));
        assertEquals(0, embed(folder.resolve("in.txt"), output, "--resume"), err::toString);
        assertTrue(err.toString().contains("1 texts are done already"), err.toString());
        assertEquals(2, Files.readAllLines(output).size());

        Path dates = Files.writeString(folder.resolve("dates.txt"), "<en> March 3rd, 2021\n\n<de> 24.12.1999\n");
        Path iso = folder.resolve("iso.txt");
        Files.writeString(folder.resolve("iso.txt.part"), "2021-03-03\n\n1999");
        assertEquals(0, run("translate", "--input", dates, "--output", iso, "--resume"), err::toString);
        assertEquals("2021-03-03\n\n1999-12-24\n", Files.readString(iso));
        assertEquals("", out.toString());
        Files.writeString(folder.resolve("iso.txt.part"), "2021-03-04\n");
        assertEquals(1, run("translate", "--input", dates, "--output", iso, "--resume"));
        assertTrue(err.toString().contains("its last line is not what this model makes of line 1"), err.toString());
        assertEquals(2, run("translate", "--resume", "<en> 1 May 2020"));
    }

    @Test
    void twoWritersOfOneFileAreOneTooMany() throws IOException {
        Path output = folder.resolve("out.npy");
        try (dev.gatun.models.io.PartFile _ = dev.gatun.models.io.PartFile.open(output, false)) {
            assertEquals(1, embed(lines("a"), output));
            assertTrue(err.toString().contains("another writer is busy with"), err.toString());
        }
        assertEquals(0, embed(folder.resolve("in.txt"), output), err::toString);
    }

    @Test
    void argumentsThatLostCharactersAreRefused() throws Exception {
        assertNull(Gatun.lostCharacters(new String[] {"<de> 3. M\uFFFDrz"}, "UTF-8"));
        assertNull(Gatun.lostCharacters(new String[] {"<de> 3. Mai"}, "ANSI_X3.4-1968"));
        assertNotNull(Gatun.lostCharacters(new String[] {"x", "<de> 3. M\uFFFDrz"}, "ANSI_X3.4-1968"));
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        ProcessBuilder builder = new ProcessBuilder("sh", "-c", java + " --enable-native-access=ALL-UNNAMED -cp '" + ChildJvm.classPath()
                + "' " + Gatun.class.getName() + " translate \"$(printf '<de> 3. M\\303\\244rz 2021')\"").redirectErrorStream(true);
        builder.environment().put("LC_ALL", "C");
        Process process = builder.start();
        String said = new String(process.getInputStream().readAllBytes());
        assertEquals(2, process.waitFor(), said);
        assertTrue(said.contains("argument 2 has lost characters: the locale's encoding is") && said.contains("LC_ALL=C.UTF-8"), said);
    }

    @Test
    void hitsAndFactsAsJson() throws IOException {
        assertEquals(0, run("search", "--model", TINY, "--json", "--top", "1", "--corpus", lines("the fox", "", "a b"), "a b", "the fox"));
        List<String> hits = out.toString().lines().toList();
        assertEquals(2, hits.size());
        JsonNode hit = new ObjectMapper().readTree(hits.getFirst());
        assertEquals("a b", hit.get("query").asText());
        assertEquals(2, hit.get("passage").asInt());
        assertEquals(1, hit.get("score").asDouble(), 1e-5);
        assertEquals(0, run("info", "--json"));
        assertTrue(new ObjectMapper().readTree(out.toString()).has("gatun.cache.dir"));
    }

    @Test
    void aSheetsErrorsAreWrapped() {
        String error = "not readable: /a/very/long/path/without/any/space.png: is not a picture";
        List<String> lines = ContactSheet.wrapped(error);
        assertTrue(lines.stream().allMatch(line -> line.length() <= 24), lines.toString());
        assertEquals(error.replace(" ", ""), String.join("", lines).replace(" ", ""));
        assertEquals(List.of(""), ContactSheet.wrapped(" "));
    }
}
