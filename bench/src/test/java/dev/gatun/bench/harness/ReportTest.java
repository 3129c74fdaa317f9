package dev.gatun.bench.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stored runs. */
class ReportTest {
    @TempDir
    Path folder;

    private static Report report(String processor, double millis) {
        Result row = new Result("gemm", "1024, threads 1", Map.of("threads", 1), "gatun", "1", false, List.of(millis, millis), millis,
                List.of(),
                1000 / millis, "FLOP", 0, 0, 0, new Result.Memory(0.5, 90, List.of(95.0, 100.0), 3, 20),
                List.of(new Result.Load(10, 5, List.of(1.0, 2.0, 3.0, 4.0))));
        return new Report(Map.of("processor", processor, "cores", "2", "java", "25"), Map.of("FMA peak GFLOP/s, threads 1", 100.0),
                List.of(row));
    }

    private static String compare(Report before, Report after) {
        StringWriter text = new StringWriter();
        Comparison.print(before, after, new PrintWriter(text));
        return text.toString();
    }

    @Test
    void readsWhatItWrote() throws IOException {
        Path file = folder.resolve("run.json");
        report("a", 2).write(file);
        assertEquals(report("a", 2), Report.read(file));
    }

    @Test
    void anotherFileIsNamed() throws IOException {
        for (String text : List.of("{\"rows\": 1}", "not JSON", "{}", "null")) {
            Path file = Files.writeString(folder.resolve("other.json"), text);
            assertTrue(assertThrows(IOException.class, () -> Report.read(file)).getMessage().contains("--json"), text);
        }
    }

    @Test
    void anotherMachineIsNamed() {
        assertTrue(compare(report("a", 2), report("b", 2)).contains("another processor (a, now b)"));
        assertEquals("nothing moved beyond the noise", compare(report("a", 2), report("a", 2)).strip());
        assertTrue(compare(report("a", 2), report("a", 3)).contains("1 rows moved"));
    }
}
