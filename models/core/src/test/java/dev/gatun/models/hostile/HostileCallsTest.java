package dev.gatun.models.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.testing.ChildJvm;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Everything that is exported, called in ways that nobody should: null, negative and huge numbers, closed and foreign memory, closed
 * models, from two threads at once. The process does not end, no call waits for ever, and what is thrown is documented.
 * {@code -Dgatun.hostile.calls=N} makes so many calls, {@code -Dgatun.hostile.seed=N} others.
 */
class HostileCallsTest {

    @Test
    void nothingExportedEndsTheProcessOrWaitsForEver(@TempDir Path folder) throws Exception {
        String seed = System.getProperty("gatun.hostile.seed", "1");
        String calls = System.getProperty("gatun.hostile.calls", "4000");
        ChildJvm.Result result = ChildJvm.run(List.of("--enable-native-access=ALL-UNNAMED", "-Xmx512m", "-XX:TieredStopAtLevel=1",
                "-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=" + folder.resolve("crash"), "-cp", ChildJvm.classPath(),
                HostileCalls.class.getName(), seed, calls, folder.toString()));
        List<String> lines = result.output().lines().toList();
        String last = String.join("\n", lines.subList(Math.max(0, lines.size() - 30), lines.size()));
        assertEquals(0, result.exitCode(), last);
        assertTrue(lines.contains("DONE"), last);
        List<String> undocumented = lines.stream().filter(line -> line.startsWith("UNDOCUMENTED")).distinct().toList();
        assertEquals(List.of(), undocumented);
        assertTrue(lines.stream().filter(line -> line.startsWith("CALL")).count() > Integer.parseInt(calls) / 4,
                "hardly anything was called");
    }
}
