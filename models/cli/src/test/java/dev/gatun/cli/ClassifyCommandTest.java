package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.io.NpyFile;
import dev.gatun.models.io.NpyWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassifyCommandTest {
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
    void foldersAndGlobsOfDigitsWithASheet() throws IOException {
        Path png = folder.resolve("sheet.png");
        assertEquals(0, run("classify", SAMPLES.toString(), "--top", "2", "--sheet", png.toString()), err.toString());
        assertTrue(out.toString().lines().count() >= 10);
        out.toString().lines().forEach(line -> assertEquals(
                line.replaceAll(".*digit-(\\d).*", "$1"), line.replaceAll(".*: (\\d) .*%, .*", "$1"), line));
        assertTrue(ImageIO.read(png.toFile()).getWidth() > 300);
        Path html = folder.resolve("sheet.html");
        assertEquals(0, run("classify", SAMPLES + "/digit-3*.png", "--json", "--top", "1", "--sheet", html.toString()), err.toString());
        JsonNode json = new ObjectMapper().readTree(out.toString().lines().findFirst().orElseThrow());
        assertEquals("3", json.at("/labels/0/label").asText());
        assertTrue(json.at("/labels/0/score").asDouble() > 0.5);
        assertTrue(Files.readString(html).contains("data:image/png;base64,"));
    }

    @Test
    void badPicturesAreReportedAndTheRestGoOn() throws IOException {
        Path bad = Files.writeString(folder.resolve("bad<b>.png"), "not a picture");
        Path good = SAMPLES.resolve("digit-0-0010.png");
        Path logits = folder.resolve("logits.npy");
        Path html = folder.resolve("sheet.html");
        assertEquals(1, run("classify", bad.toString(), good.toString(), "--logits", logits.toString(),
                "--features", folder.resolve("features.npy").toString(), "--sheet", html.toString()));
        assertTrue(err.toString().contains(bad + ": is not a picture"), err.toString());
        assertTrue(err.toString().contains("1 of 2 pictures could not be read"), err.toString());
        assertTrue(out.toString().startsWith(good + ": 0 "), out.toString());
        assertTrue(Files.readString(html).contains("bad&lt;b&gt;.png"));
        Path link = Files.createSymbolicLink(folder.resolve("link.png"), folder.resolve("real.png"));
        assertEquals(0, run("classify", good.toString(), "--sheet", link.toString()));
        assertTrue(Files.isSymbolicLink(link) && ImageIO.read(folder.resolve("real.png").toFile()) != null);
        try (Arena arena = Arena.ofConfined()) {
            NpyFile npy = NpyFile.open(logits, arena);
            assertEquals("[2, 10]", npy.shape().toString());
            assertEquals("[2, 64]", NpyFile.open(folder.resolve("features.npy"), arena).shape().toString());
            assertTrue(Float.isNaN(npy.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0)));
            assertTrue(Float.isFinite(npy.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 40)));
        }
    }

    @Test
    void preparedInputsGiveRawLogits() throws IOException {
        Path input = folder.resolve("x.npy");
        // [2, 1, 24, 24] is written as two rows and its header then corrected: the writer knows tables only.
        try (Arena arena = Arena.ofConfined(); NpyWriter writer = NpyWriter.create(input, 576)) {
            MemorySegment rows = arena.allocate(2 * 576 * Float.BYTES, 64);
            writer.write(rows, 2);
            writer.finish();
        }
        assertEquals(1, run("classify", "--input-tensor", input.toString()));
        assertTrue(err.toString().contains("x.npy: FLOAT32 [2, 576], expected FLOAT32 [N, 1, 24, 24]"), err.toString());
        byte[] bytes = Files.readAllBytes(input);
        byte[] shape = "(2, 1, 24, 24), }".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        System.arraycopy(shape, 0, bytes, new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1).indexOf("(2, 576)"),
                shape.length);
        Files.write(input, bytes);
        Path logits = folder.resolve("logits.npy");
        assertEquals(0, run("classify", "--input-tensor", input.toString(), "--logits", logits.toString()), err.toString());
        try (Arena arena = Arena.ofConfined()) {
            NpyFile npy = NpyFile.open(logits, arena);
            assertEquals("[2, 10]", npy.shape().toString());
            for (int i = 0; i < 10; i++) {
                assertEquals(npy.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i),
                        npy.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 40 + 4L * i), "the same input, the same logits");
            }
        }
    }

    @Test
    void misuseIsExplained() {
        assertEquals(2, run("classify"));
        assertTrue(err.toString().contains("name pictures, or an --input-tensor"), err.toString());
        assertEquals(2, run("classify", "--top", "0", "x.png"));
        assertEquals(1, run("classify", folder.toString()));
        assertTrue(err.toString().contains("no pictures there"), err.toString());
        assertEquals(1, run("classify", folder + "/*.png"));
        assertTrue(err.toString().contains("matches no file"), err.toString());
        assertEquals(1, run("classify", "--sheet", "sheet.gif", "x.png"));
        assertTrue(err.toString().contains("a contact sheet is .html or .png"), err.toString());
        assertEquals(1, run("classify", "--model", folder.toString(), "x.png"));
        assertTrue(err.toString().contains("has neither model.safetensors"), err.toString());
    }
}
