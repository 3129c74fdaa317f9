package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TranslateCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Gatun.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
    }

    @Test
    void linesInLinesOutInOrder(@TempDir Path folder) throws IOException {
        Path input = folder.resolve("dates.txt");
        Files.writeString(input, "<en> March 3rd, 2021\n\n<de> 24.12.1999\r\n<fr> 1er janvier 2000");
        assertEquals(0, run("translate", "--input", input.toString()), err::toString);
        assertEquals("2021-03-03\n\n1999-12-24\n2000-01-01\n", out.toString().replace(System.lineSeparator(), "\n"));
        assertTrue(err.toString().contains("4 lines"), err.toString());
        assertEquals(0, run("translate", "--stream", "--input", input.toString()));
        assertEquals("2021-03-03\n\n1999-12-24\n2000-01-01\n", out.toString().replace(System.lineSeparator(), "\n"));
    }

    @Test
    void textArgumentsBeamsAndJson() {
        assertEquals(0, run("translate", "<en> March 3rd, 2021", "<de> 3.3.2021"), err::toString);
        assertEquals("2021-03-03\n2021-03-03\n", out.toString().replace(System.lineSeparator(), "\n"));
        assertEquals(0, run("translate", "--n-best", "2", "<en> 12/24/1999"));
        String[] lines = out.toString().split("\\R");
        assertEquals(2, lines.length);
        assertTrue(lines[0].matches("-?\\d+\\.\\d{6}\t1999-12-24"), lines[0]);
        assertEquals(0, run("translate", "--json", "--beams", "3", "<en> 12/24/1999"));
        assertTrue(out.toString().startsWith("{\"source\":\"<en> 12/24/1999\",\"translations\":[{\"text\":\"1999-12-24\",\"score\":"),
                out.toString());
    }

    @Test
    void groupsOfBeamsGiveAnswersThatDiffer() {
        String[] groups = {"translate", "--beams", "4", "--beam-groups", "2", "--diversity", "3", "--n-best", "4", "<en> 12/24/1999"};
        assertEquals(0, run(groups), err::toString);
        String[] lines = out.toString().split("\\R");
        assertEquals(4, lines.length);
        assertTrue(lines[0].endsWith("\t1999-12-24"), lines[0]);
        String together = out.toString();
        assertEquals(0, run("translate", "--beams", "4", "--n-best", "4", "<en> 12/24/1999"));
        assertNotEquals(together, out.toString());
        assertEquals(2, run("translate", "--beams", "4", "--beam-groups", "2", "<en> 1 May 2020"));
        assertTrue(err.toString().contains("need each other"), err.toString());
        assertEquals(2, run("translate", "--beams", "3", "--beam-groups", "2", "--diversity", "1", "<en> 1 May 2020"));
        assertTrue(err.toString().contains("does not divide the beams, 3"), err.toString());
    }

    @Test
    void guessesChangeNoAnswer() {
        assertEquals(0, run("translate", "--prompt-lookup", "4", "<en> March 3rd, 2021", "<de> 3.3.2021"), err::toString);
        assertEquals("2021-03-03\n2021-03-03\n", out.toString().replace(System.lineSeparator(), "\n"));
        assertEquals(2, run("translate", "--prompt-lookup", "4", "--beams", "2", "<en> 1 May 2020"));
        assertTrue(err.toString().contains("give --beams 1"), err.toString());
        assertEquals(2, run("translate", "--prompt-lookup", "4", "--assistant", "none", "<en> 1 May 2020"));
        assertEquals(1, run("translate", "--assistant", "none", "<en> 1 May 2020"));
        assertTrue(err.toString().contains("none"), err.toString());
    }

    @Test
    void wrongUseIsExplained(@TempDir Path folder) throws IOException {
        assertEquals(2, run("translate", "--beams", "0", "x"));
        assertTrue(err.toString().contains("'--beams': must be a whole number of 1 or more, not 0"), err.toString());
        assertEquals(2, run("translate", "--stream", "--json", "x"));
        assertEquals(2, run("translate", "--input", "f", "x"));
        assertEquals(1, run("translate", "--beams", "999", "<en> 1 May 2020"));
        assertTrue(err.toString().contains("num_beams 999 is more than the vocabulary's 75 tokens"), err.toString());
        assertEquals(1, run("translate", "--model", folder.resolve("none").toString(), "x"));
        assertTrue(err.toString().contains("none: does not exist; expected a model's folder"), err.toString());
        Path input = folder.resolve("long.txt");
        Files.writeString(input, "<en> 1 May 2020\n<en> " + "1".repeat(65) + "\n");
        assertEquals(1, run("translate", "--input", input.toString()));
        assertTrue(err.toString().contains("line 2 has 71 tokens, the model's positions end at 64"), err.toString());
        assertEquals("", out.toString());
    }
}
