package dev.gatun.models.testing;

import java.nio.file.Files;
import java.nio.file.Path;

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
}
