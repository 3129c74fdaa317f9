package dev.gatun.models.encode;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.gatun.models.registry.Encoders;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.MiniLm;
import dev.gatun.tensor.Precision;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The same text gives the same bits, whatever stands beside it in a batch, however many threads compute, and in every load. */
class SameBitsTest {
    private static final int[] LENGTHS = {1, 2, 5, 6, 7, 12, 13, 16, 17, 19, 3, 4};
    private static final int[] BATCHES = {24, 5, 2, 1};
    private static final int SMALLEST_VOCABULARY = 40;

    @ParameterizedTest
    @CsvSource({"families/bert, F32", "families/roberta, F32", "families/modernbert, F32", "families/qwen3, F32",
        "families/deberta-v2, F32", "families/t5, F32", "families/mpnet, F16", "families/bert, INT8", "minilm, F32",
        "minilm, BF16", "minilm, INT8"})
    void aTextsVectorDoesNotDependOnItsCompany(String name, Precision precision) {
        Path folder = name.equals("minilm") ? MiniLm.folder() : Goldens.path(name);
        List<int[]> texts = texts();
        List<float[]> alone = new ArrayList<>();
        try (Encoder encoder = Encoders.load(folder, precision, Head.pooled(Pooling.MEAN, false));
                EncoderSession session = encoder.newSession(1)) {
            texts.forEach(text -> alone.addAll(run(session, encoder.head().columns(), List.of(text))));
        }
        try (Encoder encoder = Encoders.load(folder, precision, Head.pooled(Pooling.MEAN, false))) {
            for (int threads = 1; threads <= 3; threads++) {
                try (EncoderSession session = encoder.newSession(threads)) {
                    for (int batch : BATCHES) {
                        for (int first = 0; first + batch <= texts.size(); first += batch) {
                            List<float[]> together = run(session, encoder.head().columns(), texts.subList(first, first + batch));
                            for (int i = 0; i < batch; i++) {
                                assertArrayEquals(alone.get(first + i), together.get(i), "text " + (first + i) + ", " + batch
                                        + " together, " + threads + " threads");
                            }
                        }
                    }
                }
            }
        }
    }

    private static List<int[]> texts() {
        Random random = new Random(7);
        List<int[]> texts = new ArrayList<>();
        for (int i = 0; i < BATCHES[0]; i++) {
            texts.add(random.ints(LENGTHS[i % LENGTHS.length], 0, SMALLEST_VOCABULARY).toArray());
        }
        return texts;
    }

    private static List<float[]> run(EncoderSession session, int columns, List<int[]> texts) {
        try (Arena arena = Arena.ofConfined()) {
            int[] offsets = new int[texts.size() + 1];
            for (int i = 0; i < texts.size(); i++) {
                offsets[i + 1] = offsets[i] + texts.get(i).length;
            }
            MemorySegment ids = arena.allocateFrom(ValueLayout.JAVA_INT, texts.stream().flatMapToInt(Arrays::stream).toArray());
            MemorySegment vectors = arena.allocate((long) texts.size() * columns * Float.BYTES, Float.BYTES);
            session.forward(ids, arena.allocateFrom(ValueLayout.JAVA_INT, offsets), texts.size(), vectors);
            List<float[]> rows = new ArrayList<>();
            for (int i = 0; i < texts.size(); i++) {
                rows.add(vectors.asSlice((long) i * columns * Float.BYTES, (long) columns * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT));
            }
            return rows;
        }
    }
}
