package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.io.NpyFile;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pictures and texts by one model, from the command line. */
class ImageTextCommandsTest {
    private static final String CLIP = Goldens.path("clip/clip").toString();
    private static final String PICTURE = Goldens.path("vit/picture.png").toString();

    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Gatun.run(new PrintWriter(out), new PrintWriter(err), args);
    }

    private static float[] floats(Path npy, int rows, int columns) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            NpyFile file = NpyFile.open(npy, arena);
            assertEquals(List.of((long) rows, (long) columns), List.of(file.shape().dim(0), file.shape().dim(1)));
            return file.data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
        }
    }

    @Test
    void picturesAndTextsAreEmbeddedIntoOneSpace() throws IOException {
        Path npy = folder.resolve("pictures.npy");
        Path bad = Files.writeString(folder.resolve("bad.png"), "no picture");
        assertEquals(1, run("embed", "--model", CLIP, "--output", npy.toString(), "--threads", "2", "--batch", "2", "--pictures", PICTURE,
                bad.toString(), PICTURE), err.toString());
        assertTrue(err.toString().contains("1 of 3 pictures could not be read") && err.toString().contains("bad.png"), err.toString());
        float[] vectors = floats(npy, 3, 20);
        double length = 0;
        for (int i = 0; i < 20; i++) {
            length += vectors[i] * vectors[i];
            assertTrue(Float.isNaN(vectors[20 + i]));
            assertEquals(vectors[i], vectors[40 + i], 1e-5f);
        }
        assertEquals(1, length, 1e-5);
        Path texts = Files.writeString(folder.resolve("texts.txt"), "a cat\n\n");
        assertEquals(0, run("embed", "--model", CLIP, "--input", texts.toString(), "--output", npy.toString()), err.toString());
        floats(npy, 2, 20);
        Path lines = folder.resolve("pictures.jsonl");
        assertEquals(0, run("embed", "--model", CLIP, "--output", lines.toString(), "--pictures", PICTURE), err.toString());
        JsonNode line = new ObjectMapper().readTree(Files.readString(lines));
        assertTrue(line.get("picture").asText().endsWith("picture.png"));
        assertEquals(vectors[3], line.at("/vector/3").asDouble(), 1e-5);
        assertEquals(2, run("embed", "--model", CLIP, "--output", npy.toString()));
        assertEquals(2, run("embed", "--model", CLIP, "--output", npy.toString(), "--resume", "--pictures", PICTURE));
        assertEquals(1, run("embed", "--model", Goldens.path("bert/tiny").toString(), "--output", npy.toString(), "--pictures", PICTURE));
        assertTrue(err.toString().contains("expected one of pictures and texts: model_type clip or siglip"), err.toString());
    }

    @Test
    void picturesGetLabelsOfOnesOwn() throws IOException {
        assertEquals(0, run("classify", "--model", CLIP, "--labels", "a cat, a dog,red", "--top", "2", "--json", PICTURE), err.toString());
        JsonNode labels = new ObjectMapper().readTree(out.toString()).get("labels");
        assertEquals(2, labels.size());
        assertTrue(labels.get(0).get("score").asDouble() >= labels.get(1).get("score").asDouble());
        assertTrue(List.of("a cat", "a dog", "red").contains(labels.get(0).get("label").asText()));
        assertEquals(2, run("classify", "--model", CLIP, "--labels", "a,b", "--template", "no place", PICTURE));
        assertEquals(1, run("classify", "--model", CLIP, PICTURE));
        assertTrue(err.toString().contains("name labels"), err.toString());
    }
}
