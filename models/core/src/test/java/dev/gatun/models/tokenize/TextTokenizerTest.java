package dev.gatun.models.tokenize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextTokenizerTest {
    private static final Path TINY = Goldens.path("bert/tiny/tokenizer.json");

    @TempDir
    Path folder;

    @Test
    void textsAreCutAtOurLengthAndNothingIsPadded() {
        try (TextTokenizer tokenizer = TextTokenizer.load(TINY, 9)) {
            List<TextTokenizer.Tokens> tokens = tokenizer.encodeBatch(List.of("", "a", "a a a a a a a", "a a a a a a a a"));
            assertEquals(2, tokens.get(0).ids().length);
            assertEquals(3, tokens.get(1).ids().length);
            assertEquals(9, tokens.get(2).ids().length);
            assertFalse(tokens.get(2).truncated());
            assertEquals(9, tokens.get(3).ids().length);
            assertTrue(tokens.get(3).truncated());
            assertEquals(tokens.get(2).ids()[8], tokens.get(3).ids()[8], "the closing token survives the cut");
        }
    }

    @Test
    void damagedFilesAreRefused() throws IOException {
        byte[] whole = Files.readAllBytes(TINY);
        Path file = folder.resolve("tokenizer.json");
        for (int length : new int[] {0, 1, whole.length / 2, whole.length - 2}) {
            Files.write(file, java.util.Arrays.copyOf(whole, length));
            String message = assertThrows(WeightException.class, () -> TextTokenizer.load(file, 16)).getMessage();
            assertTrue(message.startsWith(file.toString()), message);
        }
        Path none = folder.resolve("none.json");
        assertTrue(assertThrows(WeightException.class, () -> TextTokenizer.load(none, 16)).getMessage().contains("does not exist"));
    }

    @Test
    void manyThreadsShareATokenizerUntilItIsClosed() throws Exception {
        TextTokenizer tokenizer = TextTokenizer.load(TINY, 32);
        int[] expected = tokenizer.encode("a b a b").ids();
        try (var pool = Executors.newFixedThreadPool(8)) {
            List<Callable<Void>> work = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
                work.add(() -> {
                    for (int i = 0; i < 200; i++) {
                        assertArrayEquals(expected, tokenizer.encode("a b a b").ids());
                    }
                    return null;
                });
            }
            for (var result : pool.invokeAll(work)) {
                result.get();
            }
        }
        tokenizer.close();
        tokenizer.close();
        assertThrows(IllegalStateException.class, () -> tokenizer.encode("a"));
    }
}
