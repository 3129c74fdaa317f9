package dev.gatun.models.testing;

import dev.gatun.models.weights.WeightSource;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
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
        StringBuilder header = new StringBuilder("{");
        long offset = 0;
        for (Map.Entry<String, float[]> tensor : tensors.entrySet()) {
            String shape = source.names().contains(tensor.getKey())
                    ? Arrays.toString(source.entry(tensor.getKey()).shape().dims()) : "[" + tensor.getValue().length + "]";
            header.append(offset == 0 ? "" : ",").append('"').append(tensor.getKey()).append("\":{\"dtype\":\"F32\",\"shape\":")
                    .append(shape).append(",\"data_offsets\":[").append(offset).append(',')
                    .append(offset += 4L * tensor.getValue().length).append("]}");
        }
        byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
            out.write(json);
            for (float[] values : tensors.values()) {
                ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
                bytes.asFloatBuffer().put(values);
                out.write(bytes.array());
            }
        }
    }
}
