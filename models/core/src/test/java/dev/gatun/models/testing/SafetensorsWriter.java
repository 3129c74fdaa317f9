package dev.gatun.models.testing;

import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes F32 checkpoints for tests, whole or damaged. */
public final class SafetensorsWriter {
    private SafetensorsWriter() {
    }

    /** All tensors of a source but some. */
    public static void write(Path file, WeightSource source, String... without) throws IOException {
        write(file, tensors(source, without), source);
    }

    /** All tensors of a source and one more of a single element. */
    public static void writeWithExtra(Path file, WeightSource source, String name) throws IOException {
        Map<String, float[]> tensors = tensors(source);
        tensors.put(name, new float[1]);
        write(file, tensors, source);
    }

    /** All tensors of a source, the first element of one not a number. */
    public static void writeWithNaN(Path file, WeightSource source, String name) throws IOException {
        Map<String, float[]> tensors = tensors(source);
        tensors.get(name)[0] = Float.NaN;
        write(file, tensors, source);
    }

    private static Map<String, float[]> tensors(WeightSource source, String... without) {
        Map<String, float[]> tensors = new LinkedHashMap<>();
        for (String name : source.names()) {
            if (!List.of(without).contains(name)) {
                tensors.put(name, source.floats(name).toFloats());
            }
        }
        return tensors;
    }

    private static void write(Path file, Map<String, float[]> tensors, WeightSource source) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            Map<String, Tensor> written = new LinkedHashMap<>();
            tensors.forEach((name, values) -> written.put(name, Tensor.ofFloats(arena, values,
                    source.names().contains(name) ? source.entry(name).shape().dims() : new long[] {values.length})));
            dev.gatun.models.checkpoint.SafetensorsWriter.write(file, written, Map.of());
        }
    }
}
