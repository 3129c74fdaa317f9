package dev.gatun.models.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Utf8LinesTest {
    @TempDir
    Path folder;

    private List<String> lines(byte[] bytes) throws IOException {
        Path file = Files.write(folder.resolve("lines.txt"), bytes);
        List<String> result = new ArrayList<>();
        try (Utf8Lines lines = Utf8Lines.open(file.toString())) {
            for (String line = lines.next(); line != null; line = lines.next()) {
                result.add(line);
            }
        }
        return result;
    }

    private List<String> lines(String text) throws IOException {
        return lines(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void linesMatchRows() throws IOException {
        assertEquals(List.of(), lines(""));
        assertEquals(List.of(""), lines("\n"));
        assertEquals(List.of("a", "", "ü 🙂", ""), lines("a\n\nü 🙂\r\n\n"));
        assertEquals(List.of("a", "b"), lines("a\nb"));
        assertEquals(List.of("a", "\uFEFFb"), lines("\uFEFFa\n\uFEFFb\n"));
    }

    @Test
    void invalidBytesAreNamedByLine() {
        byte[][] bad = {{'a', '\n', 'b', (byte) 0xff, '\n'}, {'a', '\n', 'b', (byte) 0xc3, '\n'}, {'a', '\n', 'b', (byte) 0xc0,
                (byte) 0x80}};
        for (byte[] bytes : bad) {
            String message = assertThrows(IOException.class, () -> lines(bytes)).getMessage();
            assertTrue(message.contains("lines.txt: line 2: byte 2"), message);
        }
    }

    @Test
    void missingFilesAreNamed() {
        String file = folder.resolve("none.txt").toString();
        assertEquals(file + ": does not exist", assertThrows(IOException.class, () -> Utf8Lines.open(file)).getMessage());
    }
}
