package dev.gatun.models.testing;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** The real all-MiniLM-L6-v2, which {@code make model} fetches: {@code -Dgatun.minilm=FOLDER} or {@code models/target/minilm}. */
public final class MiniLm {
    private MiniLm() {
    }

    /** The folder with {@code model.onnx} and {@code tokenizer.json}; a test that needs it fails without it. */
    public static Path folder() {
        String property = System.getProperty("gatun.minilm");
        Path folder = property != null ? Path.of(property) : Path.of("..", "target", "minilm");
        for (String file : new String[] {"model.onnx", "tokenizer.json"}) {
            if (!Files.isRegularFile(folder.resolve(file))) {
                throw new AssertionError(folder.resolve(file).toAbsolutePath() + " does not exist: run make model first");
            }
        }
        return folder;
    }

    /** Texts of many languages, of 0 to 512 tokens. */
    public static List<String> texts() {
        try {
            return List.of(new ObjectMapper().readValue(Goldens.path("bert/minilm/texts.json").toFile(), String[].class));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Their vectors by ONNX Runtime. */
    public static float[][] vectors() {
        try (Arena arena = Arena.ofConfined()) {
            float[] all = Goldens.floats(Goldens.open(arena, "bert/minilm/expected.safetensors"), "embeddings");
            float[][] rows = new float[texts().size()][];
            int columns = all.length / rows.length;
            Arrays.setAll(rows, i -> Arrays.copyOfRange(all, i * columns, (i + 1) * columns));
            return rows;
        }
    }
}
