package dev.gatun.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.io.LineWriter;
import dev.gatun.models.io.NpyWriter;
import dev.gatun.models.task.embed.Embeddings;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Where vectors go: rows of a {@code .npy}, or JSON lines with text and vector. */
sealed interface VectorFile extends AutoCloseable {

    static VectorFile open(Path output, int dimension, boolean resume) throws IOException {
        String name = String.valueOf(output.getFileName()).toLowerCase(Locale.ROOT);
        return name.endsWith(".jsonl") || name.endsWith(".ndjson") ? new Lines(LineWriter.open(output, resume))
                : new Rows(NpyWriter.open(output, dimension, resume));
    }

    /** Vectors that are written. */
    long rows();

    /** The last vector of an earlier writer; null if there is none. */
    float[] last() throws IOException;

    void write(List<String> texts, Embeddings vectors) throws IOException;

    /** A picture's vector; null, of one that could not be read, becomes NaN, or a line without vector. */
    void write(String picture, float[] vector, int dimension) throws IOException;

    void finish() throws IOException;

    @Override
    void close() throws IOException;

    /** NumPy's. */
    record Rows(NpyWriter npy) implements VectorFile {
        @Override
        public long rows() {
            return npy.rows();
        }

        @Override
        public float[] last() throws IOException {
            return npy.rows() == 0 ? null : npy.lastRow();
        }

        @Override
        public void write(List<String> texts, Embeddings vectors) throws IOException {
            npy.write(vectors.vectors(), vectors.size());
        }

        @Override
        public void write(String picture, float[] vector, int dimension) throws IOException {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment row = arena.allocate((long) dimension * Float.BYTES, Float.BYTES);
                for (int i = 0; i < dimension; i++) {
                    row.setAtIndex(ValueLayout.JAVA_FLOAT, i, vector == null ? Float.NaN : vector[i]);
                }
                npy.write(row, 1);
            }
        }

        @Override
        public void finish() throws IOException {
            npy.finish();
        }

        @Override
        public void close() throws IOException {
            npy.close();
        }
    }

    /** JSON lines. */
    record Lines(LineWriter lines) implements VectorFile {
        private static final ObjectMapper JSON = new ObjectMapper();

        @Override
        public long rows() {
            return lines.lines();
        }

        @Override
        public float[] last() throws IOException {
            if (lines.last() == null) {
                return null;
            }
            JsonNode vector = JSON.readTree(lines.last()).path("vector");
            float[] values = new float[vector.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) vector.get(i).asDouble();
            }
            return values;
        }

        @Override
        public void write(List<String> texts, Embeddings vectors) throws IOException {
            for (int i = 0; i < texts.size(); i++) {
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("text", texts.get(i));
                line.put("vector", vectors.toFloats(i));
                lines.write(JSON.writeValueAsString(line));
            }
            lines.flush();
        }

        @Override
        public void write(String picture, float[] vector, int dimension) throws IOException {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("picture", picture);
            line.put("vector", vector);
            lines.write(JSON.writeValueAsString(line));
        }

        @Override
        public void finish() throws IOException {
            lines.finish();
        }

        @Override
        public void close() throws IOException {
            lines.close();
        }
    }
}
