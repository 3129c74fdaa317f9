package dev.gatun.models.task.embed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.testing.Reference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts longer than the model, in windows: against the vectors of their parts, cut by hand at words of one token. */
class WindowsTest {
    private static final EmbeddingOptions OPTIONS = EmbeddingOptions.defaults().withThreads(2).withMaxTokens(7);

    @TempDir
    Path folder;

    /** A tokenizer whose tokens are the words: with two special ones, a window of 7 has room for 5. */
    private Path model() throws IOException {
        for (String name : new String[] {"config.json", "model.safetensors"}) {
            Files.copy(Goldens.path("families/bert").resolve(name), folder.resolve(name));
        }
        StringBuilder words = new StringBuilder("\"[PAD]\": 0, \"[UNK]\": 1, \"[CLS]\": 2, \"[SEP]\": 3");
        for (int i = 4; i < 30; i++) {
            words.append(", \"w").append(i).append("\": ").append(i);
        }
        Files.writeString(folder.resolve("tokenizer.json"), """
                {"version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
                 "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
                 "model": {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {%s}}}
                """.formatted(words));
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"tokenizer_class\": \"PreTrainedTokenizerFast\"}");
        return folder;
    }

    private static String words(int from, int to) {
        StringBuilder text = new StringBuilder();
        for (int i = from; i < to; i++) {
            text.append("w").append(i).append(" ");
        }
        return text.toString();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theVectorIsTheMeanOfTheWindows(boolean normalize) throws IOException {
        EmbeddingOptions options = OPTIONS.withNormalize(normalize);
        try (EmbeddingModel windows = EmbeddingModel.load(model(),
                options.withWindows(2)); EmbeddingModel cut = EmbeddingModel.load(folder, options);
                Embeddings found = windows.embed(List.of(words(4, 9), words(4, 16), "", words(4, 10)));
                Embeddings parts = cut.embed(List.of(words(4, 9), words(7, 12), words(10, 15), words(13, 16), words(7, 10)))) {
            assertArrayEquals(parts.toFloats(0), found.toFloats(0), 1e-6f);
            int[] tokens = {7, 7, 7, 5};
            double[] mean = new double[found.dimension()];
            double[] two = new double[found.dimension()];
            double length = 0;
            double other = 0;
            for (int c = 0; c < mean.length; c++) {
                for (int w = 0; w < 4; w++) {
                    mean[c] += tokens[w] * parts.get(w, c) / 26.0;
                }
                two[c] = (7 * parts.get(0, c) + 5 * parts.get(4, c)) / 12.0;
                length += mean[c] * mean[c];
                other += two[c] * two[c];
            }
            for (int c = 0; c < mean.length && normalize; c++) {
                mean[c] /= Math.sqrt(length);
                two[c] /= Math.sqrt(other);
            }
            Reference.assertClose(mean, found.toFloats(1), 1e-5);
            Reference.assertClose(two, found.toFloats(3), 1e-5);
            assertEquals(7 + 26 + 2 + 12, found.tokens());
            for (int i = 0; i < 4; i++) {
                assertFalse(found.truncated(i));
            }
            assertArrayEquals(found.toFloats(1), windows.submit(words(4, 16)).join().values(), 1e-6f);
        }
    }

    @Test
    void windowsThatShareAllTheyHoldAreRefused() throws IOException {
        try (EmbeddingModel model = EmbeddingModel.load(model(), OPTIONS.withWindows(5))) {
            assertEquals(1, model.embed(words(4, 9)).size());
            assertTrue(assertThrows(IllegalArgumentException.class, () -> model.embed(words(4, 16))).getMessage().contains("room for 5"));
        }
        assertThrows(IllegalArgumentException.class, () -> OPTIONS.withWindows(-2));
    }

    @Test
    void tokensBeyondTheVocabularyAreRefusedWhenTheModelIsLoaded() throws IOException {
        String tokenizer = Files.readString(model().resolve("tokenizer.json"));
        Files.writeString(folder.resolve("tokenizer.json"), tokenizer.replace("\"added_tokens\": []", "\"added_tokens\": [{\"id\": 101, "
                + "\"content\": \"<new>\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false, "
                + "\"special\": true}]"));
        String message = assertThrows(WeightException.class, () -> EmbeddingModel.load(folder, OPTIONS)).getMessage();
        assertTrue(message.contains("tokenizer.json") && message.contains("<new>") && message.contains("101"), message);
    }
}
