package dev.gatun.models.task.embed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a folder says is what the same options say; what is not served is refused by name. No oracle but our own options. */
class SentenceFolderTest {
    private static final String TRANSFORMER = "{\"type\": \"sentence_transformers.models.Transformer\", \"path\": \"\"}";
    private static final String POOLING = "{\"type\": \"sentence_transformers.models.Pooling\", \"path\": \"1_Pooling\"}";
    /** Two models may multiply with different kernels. */
    private static final float DELTA = 1e-6f;
    private static final List<String> TEXTS = List.of("the quick brown fox", "a");

    @TempDir
    Path folder;

    @BeforeEach
    void copyTheTinyModel() throws IOException {
        for (String name : new String[] {"config.json", "model.safetensors", "tokenizer.json"}) {
            Files.copy(Goldens.path("bert/tiny").resolve(name), folder.resolve(name));
        }
    }

    private void modules(String... modules) throws IOException {
        Files.writeString(folder.resolve("modules.json"), "[" + String.join(", ", modules) + "]");
    }

    private void config(String path, String json) throws IOException {
        Files.createDirectories(folder.resolve(path).getParent());
        Files.writeString(folder.resolve(path), json);
    }

    private static EmbeddingOptions one() {
        return EmbeddingOptions.defaults().withThreads(1);
    }

    private static float[] embed(Path folder, EmbeddingOptions options, List<String> texts) {
        try (EmbeddingModel model = EmbeddingModel.load(folder, options); Embeddings e = model.embed(texts)) {
            float[] all = new float[texts.size() * e.dimension()];
            for (int i = 0; i < texts.size(); i++) {
                System.arraycopy(e.toFloats(i), 0, all, i * e.dimension(), e.dimension());
            }
            return all;
        }
    }

    private String refused() {
        return assertThrows(WeightException.class, () -> EmbeddingModel.load(folder, one()).close()).getMessage();
    }

    @Test
    void poolingAndTheLackOfNormalizeAreTheFoldersAndOptionsOverride() throws IOException {
        Path plain = Goldens.path("bert/tiny");
        float[] cls = embed(plain, one().withPooling(Pooling.CLS).withNormalize(false), TEXTS);
        float[] mean = embed(plain, one(), TEXTS);
        modules(TRANSFORMER, POOLING);
        config("1_Pooling/config.json", "{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": false}");
        assertArrayEquals(cls, embed(folder, one(), TEXTS), DELTA);
        assertTrue(!Arrays.equals(cls, mean), "the two differ");
        assertArrayEquals(mean, embed(folder, one().withPooling(Pooling.MEAN).withNormalize(true), TEXTS), DELTA);
        config("1_Pooling/config.json", "{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": true}");
        float[] both = embed(folder, one(), TEXTS);
        assertEquals(2 * cls.length, both.length);
        assertArrayEquals(Arrays.copyOf(cls, 40), Arrays.copyOf(both, 40), DELTA);
    }

    @Test
    void promptsLengthsAndDimensionsAreTheFolders() throws IOException {
        config("config_sentence_transformers.json",
                "{\"prompts\": {\"query\": \"a b \"}, \"default_prompt_name\": \"query\", \"truncate_dim\": 7}");
        float[] whole = embed(Goldens.path("bert/tiny"), one(), List.of("a b fox"));
        assertArrayEquals(Arrays.copyOf(whole, 7), embed(folder, one(), List.of("fox")), DELTA);
        Files.delete(folder.resolve("config_sentence_transformers.json"));
        config("sentence_bert_config.json", "{\"max_seq_length\": 4}");
        assertArrayEquals(embed(Goldens.path("bert/tiny"), one().withMaxTokens(4), TEXTS), embed(folder, one(), TEXTS), DELTA);
    }

    @Test
    void whatIsNotServedIsRefusedByName() throws IOException {
        config("1_Pooling/config.json", "{\"pooling_mode\": \"mean\"}");
        modules(TRANSFORMER, POOLING, "{\"type\": \"sentence_transformers.models.CNN\", \"path\": \"2_CNN\"}");
        assertTrue(refused().contains("is a CNN of sentence-transformers"), refused());
        modules(TRANSFORMER, POOLING, "{\"type\": \"sentence_transformers.models.Dense\", \"path\": \"2_Dense\"}");
        config("2_Dense/config.json", "{\"in_features\": 40, \"out_features\": 8, \"residual\": true}");
        assertTrue(refused().contains("residual is true, expected false"), refused());
        modules(TRANSFORMER);
        assertTrue(refused().contains("has no Pooling"), refused());
    }
}
