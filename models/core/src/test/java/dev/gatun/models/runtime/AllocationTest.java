package dev.gatun.models.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.testing.ChildJvm;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * A forward takes no byte of the heap: ten windows one after the other without one. The virtual machine takes some itself when it compiles
 * anew and when it customizes method handles; in a process of the first compiler, without the latter, it is still after a while.
 */
class AllocationTest {

    private static List<String> forwards(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1",
                "-Djava.lang.invoke.MethodHandle.CUSTOMIZE_THRESHOLD=-1", "-cp", ChildJvm.classPath(), SteadyForwards.class.getName()));
        command.addAll(List.of(arguments));
        ChildJvm.Result result = ChildJvm.run(command);
        assertEquals(0, result.exitCode(), result.output());
        return result.output().lines().filter(line -> line.startsWith("clean ") || line.startsWith("dirty ")).toList();
    }

    @Test
    void everyFamilysForwardTakesNothing() throws Exception {
        List<String> found = forwards();
        assertEquals(SteadyForwards.ENCODERS.size() + 9, found.size(), found.toString());
        assertTrue(found.stream().allMatch(line -> line.startsWith("clean ")), found.toString());
    }

    @Test
    void oneByteInAWindowIsNoticed() throws Exception {
        List<String> found = forwards("wasteful");
        assertEquals(1, found.size(), found.toString());
        assertTrue(found.getFirst().startsWith("dirty "), found.toString());
    }
}
