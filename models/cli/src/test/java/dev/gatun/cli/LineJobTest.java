package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class LineJobTest {
    @TempDir
    Path folder;

    /** Answers of two lines. */
    @Command(name = "twice")
    static final class Twice implements Callable<Integer> {
        private final Path input;

        @Mixin
        LineJob job;

        Twice(Path input) {
            this.input = input;
        }

        @Override
        public Integer call() throws IOException {
            job.check(true);
            job.run(List.of(), input.toString(), false, (lines, first, out) -> {
                for (int i = 0; i < lines.size(); i++) {
                    out.println(first + i + lines.get(i) + "\r\n" + lines.get(i) + "\nx");
                }
            });
            return 0;
        }
    }

    @Test
    void anAnswerIsALineWhateverItHolds() throws IOException {
        Path input = Files.writeString(folder.resolve("in"), "a\n\nb\n");
        Path output = folder.resolve("out");
        StringWriter out = new StringWriter();
        CommandLine command = new CommandLine(new Twice(input)).setOut(new PrintWriter(out)).setErr(new PrintWriter(new StringWriter()));
        assertEquals(0, command.execute());
        assertEquals("1a a x\n2  x\n3b b x\n", out.toString().replace("\r\n", "\n"));
        Files.writeString(folder.resolve("out.part"), "1a a x\n2  x\n3b b");
        assertEquals(0, command.execute("--output", output.toString(), "--resume"));
        assertEquals("1a a x\n2  x\n3b b x\n", Files.readString(output));
        assertEquals(2, command.execute("--resume"));
    }
}
