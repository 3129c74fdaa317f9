package dev.gatun.models.testing;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.SafetensorsFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/** Golden files: what PyTorch or ONNX Runtime answered. The scripts that made them are in {@code src/test/oracle}. */
public final class Goldens {
    private Goldens() {
    }

    /** A file or folder below {@code golden/}, in the sources: tests of other modules read it too. */
    public static Path path(String name) {
        for (String module : new String[] {"", "../core/", "models/core/", "../models/core/", "../../core/"}) {
            Path path = Path.of(module + "src/test/resources/golden", name).toAbsolutePath().normalize();
            if (Files.exists(path)) {
                return path;
            }
        }
        throw new AssertionError("no golden " + name);
    }

    /** A golden safetensors file; the arena owns the mapping. */
    public static SafetensorsFile open(Arena arena, String name) {
        return SafetensorsFile.open(path(name), arena);
    }

    /** The share of their root mean square that a folder's answers differ by when PyTorch quantizes its linear layers dynamically. */
    public static double int8Share(String folder) {
        try {
            return new ObjectMapper().readTree(path("int8.json").toFile()).required(folder).doubleValue();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** An F32 tensor of a golden. */
    public static float[] floats(SafetensorsFile file, String name) {
        return file.floats(name).toFloats();
    }

    /** An I32 tensor of a golden. */
    public static int[] ints(SafetensorsFile file, String name) {
        return file.entry(name).bytes().toArray(ValueLayout.JAVA_INT_UNALIGNED);
    }
}
