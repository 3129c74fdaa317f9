package dev.gatun.bindings.loader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.testing.ChildJvm;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ThreadCountTest {
    /** Asks for four threads twice, then for one. */
    static final class Main {
        public static void main(String[] args) {
            Kernels.load();
            for (int i = 0; i < 2; i++) {
                try {
                    Kernels.setThreads(4);
                    System.out.println("four");
                } catch (IllegalStateException e) {
                    System.out.println("refused: " + e.getMessage());
                }
            }
            Kernels.setThreads(1);
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
    void noEnvironmentMakesTeamsSmaller() throws Exception {
        assertTrue(output(Map.of("OMP_NUM_THREADS", "1", "OMP_THREAD_LIMIT", "2", "OMP_DYNAMIC", "true", "OMP_MAX_ACTIVE_LEVELS", "0"))
                .startsWith("four"));
    }

    @Test
    void aLimitOfProcessesIsAnExceptionNotTheEnd() throws Exception {
        assumeTrue(!System.getProperty("user.name").equals("root"), "root has no limit of processes");
        String output = output(Map.of(), "sh", "-c", "ulimit -u $(($(ps -u $(id -u) -L | wc -l) + 30)); exec \"$0\" \"$@\"");
        assertTrue(output.contains("four") || output.contains("cannot start 3 more threads"), output);
    }

    @Test
    void numbersOfThreadsAreBounded() {
        assertEquals(1, ThreadCount.checked(1));
        assertEquals(64, ThreadCount.checked(64));
        for (int threads : new int[] {0, -1, ThreadCount.most() + 1, Integer.MAX_VALUE}) {
            String message = assertThrows(IllegalArgumentException.class, () -> ThreadCount.checked(threads)).getMessage();
            assertTrue(message.contains("threads must be 1 to " + ThreadCount.most()) && message.endsWith("not " + threads), message);
        }
    }
}
