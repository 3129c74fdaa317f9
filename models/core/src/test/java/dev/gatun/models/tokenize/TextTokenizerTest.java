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

    /** Ids are those of a short word that is as unknown (beyond 100 letters), or of a beginning that has tokens enough. */
    @Test
    void ofEndlessWordsTheBeginningIsRead() {
        String[][] longAndShort = {{"z".repeat(20_000_000), "z".repeat(101)}, {"z".repeat(300_000) + " a b", "z".repeat(101) + " a b"},
            {"a " + "\u4e2d".repeat(20_000_000), "a " + "\u4e2d".repeat(20)}, {"a\n".repeat(2_000_000), "a ".repeat(20)},
            {" ".repeat(5_000_000) + "a b", " a b"}, {"\ud83d\ude00".repeat(200_000) + " a", "\ud83d\ude00".repeat(101) + " a"}};
        try (TextTokenizer tokenizer = TextTokenizer.load(TINY, 9)) {
            for (String[] texts : longAndShort) {
                TextTokenizer.Tokens expected = tokenizer.encode(texts[1]);
                TextTokenizer.Tokens found = tokenizer.encode(texts[0]);
                assertArrayEquals(expected.ids(), found.ids(), texts[1]);
                assertEquals(expected.truncated(), found.truncated());
            }
        }
    }

    @Test
    void ofEndlessWordsTheEndIsReadWhereTheEndIsKept() {
        int[] lengths = new int[2];
        String text = "a b " + "\ud83d\ude00".repeat(100_000);
        int[] ids = LongText.ids(text, 5, true, part -> {
            lengths[0] = Math.max(lengths[0], part.length());
            assertTrue(text.endsWith(part) || part.startsWith("a b "), "a part of its own");
            return part.codePoints().toArray();
        });
        assertEquals(0x1f600, ids[ids.length - 1]);
        assertTrue(lengths[0] <= (1 << 16) + 4, "cut at " + lengths[0]);
        assertFalse(java.util.Arrays.stream(ids).anyMatch(id -> id >= 0xd800 && id < 0xe000), "half of a pair");
    }
}
