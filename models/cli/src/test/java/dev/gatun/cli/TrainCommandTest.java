package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void textsAreTrainedAndRead(boolean thaw) throws IOException {
        Path csv = Files.writeString(folder.resolve("texts.csv"), "body,kind\nwhat a good day,fine\na fine and happy end,fine\n"
                + "it was bad and sad,poor\nnever again,poor\n");
        String output = folder.resolve("texts").toString();
        List<String> args = new ArrayList<>(List.of("train", "--task", "text", csv.toString(), "--text-column", "body", "--label-column",
                "kind", "--model", Goldens.path("heads/bert-classify").toString(), "--output", output, "--epochs", "60", "--rate", "0.03",
                "--validation", "0", "--threads", "1"));
        if (thaw) {
            args.add("--thaw");
        }
        assertEquals(0, run(args.toArray(String[]::new)), err.toString());
        assertEquals(60, err.toString().lines().count());
        for (String text : List.of("what a good day", "never again")) {
            assertEquals(0, run("classify-text", "--model", output, text), err.toString());
            assertTrue(out.toString().startsWith(text.equals("never again") ? "poor 0.9" : "fine 0.9"), out.toString());
        }
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
