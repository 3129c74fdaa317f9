package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code train}: what it prints, what its result is good for, and misuse. */
class TrainCommandTest {
    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Gatun.run(new PrintWriter(out), new PrintWriter(err), args);
    }

    @Test
    void digitsAreTrainedAndRead() {
        String output = folder.resolve("digits").toString();
        assertEquals(0, run("train", "--task", "images", "--output", output, "--side", "8", "--channels", "3,4", "--hidden", "8",
                "--epochs", "2", "--threads", "1"), err.toString());
        assertTrue(err.toString().matches("(?s)epoch 1 of 2: loss \\d\\.\\d{4}, held out \\d\\.\\d{4}, right \\d+\\.\\d\\d%\\Repoch 2.*"),
                err.toString());
        assertTrue(out.toString().startsWith(output + ": loss "), out.toString());
        assertEquals(0, run("classify", "--model", output, "../core/src/samples/digits"), err.toString());
        assertEquals(20, out.toString().lines().count());
    }

    @Test
    void misuseIsToldFromFailure() throws Exception {
        String output = folder.resolve("model").toString();
        assertEquals(2, run("train", "--task", "images", "--output", output, "--epochs", "0"));
        assertEquals(2, run("train", "--task", "images", "--output", output, "--channels", "3"));
        assertEquals(2, run("train", "--output", output));
        assertEquals(2, run("train", "--task", "text", "--output", output));
        assertEquals(1, run("train", "--task", "images", folder.toString(), "--output", output));
        assertTrue(err.toString().contains("expected two or more: one for each class"), err.toString());
        Files.createFile(folder.resolve("file"));
        assertEquals(1, run("train", "--task", "images", "--output", folder.resolve("file").toString()));
    }
}
