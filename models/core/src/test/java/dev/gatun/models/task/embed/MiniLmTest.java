package dev.gatun.models.task.embed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.MiniLm;
import dev.gatun.models.tokenize.TextTokenizer;
import dev.gatun.tensor.Precision;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** all-MiniLM-L6-v2 against ONNX Runtime on the same file: texts of many languages, of 0 to 512 tokens. */
class MiniLmTest {
    private static final int DIMENSION = 384;

    private record Golden(List<String> texts, float[] embeddings, int[] ids, int[] offsets) {
        static Golden read() throws IOException {
            List<String> texts = Arrays.asList(
                    new ObjectMapper().readValue(Goldens.path("bert/minilm/texts.json").toFile(), String[].class));
            try (Arena arena = Arena.ofConfined()) {
                SafetensorsFile file = Goldens.open(arena, "bert/minilm/expected.safetensors");
                return new Golden(texts, Goldens.floats(file, "embeddings"), Goldens.ints(file, "ids"), Goldens.ints(file, "offsets"));
            }
        }

        float[] embedding(int text) {
            return Arrays.copyOfRange(embeddings, text * DIMENSION, (text + 1) * DIMENSION);
        }

        int[] tokens(int text) {
            return Arrays.copyOfRange(ids, offsets[text], offsets[text + 1]);
        }
    }

    private static EmbeddingModel load(int threads) {
        return EmbeddingModel.load(MiniLm.folder(), EmbeddingOptions.defaults().withThreads(threads));
    }

    @Test
    void theTokenizerGivesTheSameIds() throws IOException {
        Golden golden = Golden.read();
        try (TextTokenizer tokenizer = TextTokenizer.load(MiniLm.folder().resolve("tokenizer.json"), 512)) {
            List<TextTokenizer.Tokens> tokens = tokenizer.encodeBatch(golden.texts());
            int longest = 0;
            for (int i = 0; i < golden.texts().size(); i++) {
                assertArrayEquals(golden.tokens(i), tokens.get(i).ids(), "text " + i);
                longest = Math.max(longest, tokens.get(i).ids().length);
            }
            assertEquals(512, longest);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void allTextsTogetherAndOneByOneAgreeWithOnnxRuntime(int threads) throws IOException {
        Golden golden = Golden.read();
        int count = golden.texts().size();
        assertEquals(47, count);
        try (EmbeddingModel model = load(threads)) {
            assertEquals(DIMENSION, model.dimension());
            try (Embeddings together = model.embed(golden.texts())) {
                assertEquals(golden.ids().length, together.tokens());
                for (int i = 0; i < count; i++) {
                    check(golden.embedding(i), together.toFloats(i), "together, text " + i);
                }
                assertTrue(together.truncated(longest(golden)));
            }
            for (int i = 0; i < count; i++) {
                try (Embeddings alone = model.embed(golden.texts().get(i))) {
                    check(golden.embedding(i), alone.toFloats(0), "alone, text " + i);
                }
            }
        }
    }

    /** 200 texts in random order: every text several times, in other company each time. */
    @Test
    void theCompanyOfATextDoesNotMatter() throws IOException {
        Golden golden = Golden.read();
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            order.add(i % golden.texts().size());
        }
        Collections.shuffle(order, new Random(3));
        try (EmbeddingModel model = load(2); Embeddings e = model.embed(order.stream().map(golden.texts()::get).toList())) {
            for (int i = 0; i < order.size(); i++) {
                check(golden.embedding(order.get(i)), e.toFloats(i), "row " + i + ", text " + order.get(i));
            }
        }
    }

    /** ONNX Runtime's dynamic int8 of this model has a mean cosine of 0.953 to its F32, over 200 texts. */
    @ParameterizedTest
    @CsvSource({"F16, 0.999999", "BF16, 0.9999", "INT8, 0.99"})
    void narrowVectorsPointTheSameWay(Precision precision, double least) throws IOException {
        Golden golden = Golden.read();
        try (EmbeddingModel model = EmbeddingModel.load(MiniLm.folder(),
                EmbeddingOptions.defaults().withThreads(2).withPrecision(precision));
                EmbeddingModel wide = load(2); Embeddings e = model.embed(golden.texts())) {
            assertTrue(model.encoder().nativeByteSize() < wide.encoder().nativeByteSize());
            double sum = 0;
            for (int i = 0; i < golden.texts().size(); i++) {
                float[] expected = golden.embedding(i);
                float[] found = e.toFloats(i);
                double dot = 0;
                for (int j = 0; j < DIMENSION; j++) {
                    dot += (double) expected[j] * found[j];
                }
                sum += dot;
            }
            double mean = sum / golden.texts().size();
            assertTrue(mean > least && mean < 0.99999999, precision + ": " + mean);
        }
    }

    private static int longest(Golden golden) {
        int longest = 0;
        for (int i = 1; i < golden.texts().size(); i++) {
            longest = golden.texts().get(i).length() > golden.texts().get(longest).length() ? i : longest;
        }
        return longest;
    }

    private static void check(float[] expected, float[] found, String where) {
        double dot = 0;
        double ee = 0;
        double ff = 0;
        double difference = 0;
        for (int i = 0; i < expected.length; i++) {
            dot += (double) expected[i] * found[i];
            ee += (double) expected[i] * expected[i];
            ff += (double) found[i] * found[i];
            difference = Math.max(difference, Math.abs(expected[i] - found[i]));
        }
        double cosine = dot / Math.sqrt(ee * ff);
        assertTrue(cosine >= 0.999999, where + ": cosine " + cosine);
        assertTrue(difference <= 2e-5, where + ": difference " + difference);
    }
}
