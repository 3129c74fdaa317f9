package dev.gatun.bench.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bench.harness.Contender;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerationAgreementTest {
    private static final Shape TINY = new Shape(5, 32, 4, 128, 101);

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "3, 1, 2", "1, 4, 1", "3, 4, 1"})
    void everyEngineWritesTheSameTokens(int batch, int beams, int threads, @TempDir Path work) throws Exception {
        System.setProperty("gatun.bench.work", work.toString());
        try {
            float[] expected = null;
            for (String name : new GenerationSuite().contenders()) {
                try (Contender contender = new GenerationSuite().create(name, GenerationSuite.workload(TINY, batch, beams, 12, threads))) {
                    contender.run();
                    contender.run();
                    float[] tokens = contender.output();
                    expected = expected == null ? tokens : expected;
                    assertEquals(batch * 12, tokens.length);
                    assertArrayEquals(expected, tokens, name + ": " + Arrays.toString(tokens));
                }
            }
            assertTrue(expected.length > 1 && new java.util.HashSet<>(Arrays.asList(box(expected))).size() > 1, Arrays.toString(expected));
        } finally {
            System.clearProperty("gatun.bench.work");
        }
    }

    @Test
    void sentencesOfAnyLengthEndAlike(@TempDir Path work) throws Exception {
        System.setProperty("gatun.bench.work", work.toString());
        try {
            GenerationSuite suite = new GenerationSuite();
            float[][] tokens = new float[2][];
            for (int i = 0; i < 2; i++) {
                String name = List.of("gatun", "onnxruntime").get(i);
                try (Contender contender = suite.create(name, GenerationSuite.sentences(TINY, 40, 2))) {
                    contender.run();
                    tokens[i] = contender.output();
                }
            }
            assertEquals(20, tokens[0].length);
            assertArrayEquals(tokens[0], tokens[1], Arrays.toString(tokens[0]) + Arrays.toString(tokens[1]));
        } finally {
            System.clearProperty("gatun.bench.work");
        }
    }

    private static Float[] box(float[] values) {
        Float[] boxed = new Float[values.length];
        Arrays.setAll(boxed, i -> values[i]);
        return boxed;
    }

    @Test
    void aStepReadsTheDecoderAndTheHead() {
        // 6 layers of 6 d^2 + 2 d dFf, and the vocabulary.
        assertEquals(4L * (6 * (6 * 512 * 512 + 2 * 512 * 2048) + 32_000 * 512), Shape.BASE.stepBytes());
    }
}
