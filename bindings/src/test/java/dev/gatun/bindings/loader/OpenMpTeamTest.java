package dev.gatun.bindings.loader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.bindings.testing.ChildJvm;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OpenMpTeamTest {
    /** Asks for four threads twice, then for one. */
    static final class Main {
        public static void main(String[] args) {
            for (int i = 0; i < 2; i++) {
                try {
                    OpenMpTeam.require(4);
                    System.out.println("four");
                } catch (IllegalStateException e) {
                    System.out.println("refused: " + e.getMessage());
                }
            }
            OpenMpTeam.require(1);
            System.out.println("one");
        }
    }

    private static String output(Map<String, String> environment, String... before) throws Exception {
        ChildJvm.Result result = ChildJvm.start(List.of(before), environment, Main.class, "--enable-native-access=ALL-UNNAMED").finish();
        assertEquals(0, result.exitCode(), result.output());
        assertTrue(result.output().contains("one"), result.output());
        return result.output();
    }

    @Test
    void aTeamAsLargeAsAskedForIsAccepted() throws Exception {
        assertTrue(output(Map.of("OMP_NUM_THREADS", "1", "OMP_THREAD_LIMIT", "4")).startsWith("four"));
    }

    @Test
    void anEnvironmentThatMakesTeamsSmallerIsNamed() throws Exception {
        for (Map.Entry<String, String> each : Map.of("OMP_DYNAMIC", "true", "OMP_THREAD_LIMIT", "3", "OMP_MAX_ACTIVE_LEVELS", "0")
                .entrySet()) {
            List<String> lines = output(Map.ofEntries(each)).lines().toList();
            assertTrue(lines.get(0).startsWith("refused: OpenMP does not give 4 threads: " + each.getKey()), lines.toString());
            assertEquals(lines.get(0), lines.get(1));
        }
    }

    @Test
    void aLimitOfAddressSpaceOrProcessesIsAnExceptionNotTheEnd() throws Exception {
        assumeTrue(!System.getProperty("user.name").equals("root"), "root has no limit of processes");
        String output = output(Map.of(), "sh", "-c", "ulimit -u $(($(ps -u $(id -u) -L | wc -l) + 30)); exec \"$0\" \"$@\"");
        assertTrue(output.contains("four") || output.contains("the system starts only"), output);
    }

    @Test
    void numbersOfThreadsAreBounded() {
        assertEquals(1, OpenMpTeam.checked(1));
        assertEquals(64, OpenMpTeam.checked(64));
        for (int threads : new int[] {0, -1, OpenMpTeam.mostThreads() + 1, Integer.MAX_VALUE}) {
            String message = assertThrows(IllegalArgumentException.class, () -> OpenMpTeam.checked(threads)).getMessage();
            assertTrue(message.contains("threads must be 1 to " + OpenMpTeam.mostThreads()) && message.endsWith("not " + threads), message);
        }
    }
}
