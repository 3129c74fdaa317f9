package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code perplexity} and {@code generate}, by the model that ships. */
class LanguageCommandsTest {
    @TempDir
    Path folder;

    private static String run(int code, String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        assertEquals(code, Gatun.run(new PrintWriter(out), new PrintWriter(err), args), err.toString());
        return code == 0 ? out.toString() : err.toString();
    }

    @Test
    void aTextIsScoredAndGoesOn() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "The Congress shall assemble at least once in every Year.\n");
        assertTrue(run(0, "perplexity", "--input", text.toString(), "--threads", "1").matches("[1-9]\\.\\d+\t56 tokens\\R"));
        String greedy = run(0, "generate", "The Congress shall ", "--max-new-tokens", "12", "--threads", "1");
        assertEquals(19 + 12, greedy.stripTrailing().length() + (greedy.endsWith(" \n") ? 1 : 0));
        assertEquals(run(0, "generate", "We ", "--sample", "--seed", "3", "--count", "2"), run(0, "generate", "We ", "--sample", "--seed",
                "3", "--count", "2"));
        assertTrue(run(1, "generate", "\u20ac").contains("the vocabulary has no '\u20ac'"));
        assertTrue(run(1, "perplexity", "--input", "nowhere").contains("gatun: nowhere: does not exist"));
        assertTrue(run(1, "perplexity", "--input", folder.toString()).contains("is a folder, expected a file"));
        Files.write(text, new byte[] {'a', (byte) 0xff});
        assertTrue(run(1, "perplexity", "--input", text.toString()).contains("is not valid UTF-8"));
        assertTrue(run(1, "generate", "We ", "--top-k", "3").contains("do_sample"));
        assertTrue(run(1, "generate", "We ", "--min-p", "0.5").contains("do_sample"));
    }

    @Test
    void rulesOfGeneration() {
        String plain = run(0, "generate", "The Congress shall ", "--max-new-tokens", "60").strip();
        assertEquals(plain, run(0, "generate", "The Congress shall ", "--max-new-tokens", "60", "--sample", "--min-p", "1", "--seed", "5")
                .strip());
        String end = plain.substring(30, 33);
        String stopped = run(0, "generate", "The Congress shall ", "--max-new-tokens", "60", "--stop", end).stripTrailing();
        assertEquals(plain.substring(0, plain.indexOf(end, 17) + 3).stripTrailing(), stopped);
        String free = run(0, "generate", "The Congress shall ", "--max-new-tokens", "150", "--no-repeat-ngram-size", "4").stripTrailing();
        Set<String> grams = new HashSet<>();
        for (int i = 0; i + 4 <= free.length(); i++) {
            assertTrue(grams.add(free.substring(i, i + 4)), free);
        }
        assertNotEquals(run(0, "generate", "We ", "--sample", "--seed", "3"),
                run(0, "generate", "We ", "--sample", "--seed", "3", "--typical-p", "0.2"));
    }
}
