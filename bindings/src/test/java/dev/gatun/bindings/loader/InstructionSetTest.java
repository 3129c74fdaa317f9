package dev.gatun.bindings.loader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.testing.ChildJvm;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The limit holds for a process, so each case has a JVM of its own. */
class InstructionSetTest {
    private static final String ACCESS = "--enable-native-access=ALL-UNNAMED";

    /** Prints libgatun's set and oneDNN's number of its own. */
    static final class Main {
        private Main() {
        }

        public static void main(String[] args) throws Throwable {
            int oneDnn = (int) Linker.nativeLinker().downcallHandle(NativeLibraries.lookup("dnnl")
                    .findOrThrow("dnnl_get_effective_cpu_isa"),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT)).invokeExact();
            System.out.println("sets: " + Kernels.isa() + " " + oneDnn);
        }
    }

    private static String sets(Map<String, String> environment, String... flags) throws Exception {
        ChildJvm.Result result = ChildJvm.start(List.of(), environment, Main.class, flags).finish();
        assertEquals(0, result.exitCode(), result.output());
        return result.output().lines().filter(line -> line.startsWith("sets: ")).findFirst().orElseThrow();
    }

    @Test
    void aPropertyOrElseAVariableLimitsBothLibraries() throws Exception {
        String best = sets(Map.of(), ACCESS);
        assertEquals("sets: baseline 1", sets(Map.of(), ACCESS, "-Dgatun.isa=baseline"));
        assertEquals("sets: baseline 1", sets(Map.of("GATUN_ISA", "baseline"), ACCESS));
        assertEquals(best, sets(Map.of("GATUN_ISA", "baseline"), ACCESS, "-Dgatun.isa=avx512"),
                "the property counts, and is a limit, not a wish");
        String avx2 = sets(Map.of("GATUN_ISA", "avx2"), ACCESS);
        assertEquals(best.contains("baseline") ? best : "sets: avx2 7", avx2);
    }

    @Test
    void wrongValuesAreRefusedWithTheList() throws Exception {
        ChildJvm.Result property = ChildJvm.start(LoadMain.class, ACCESS, "-Dgatun.isa=avx").finish();
        assertEquals(3, property.exitCode(), property.output());
        assertTrue(property.output().contains("-Dgatun.isa=avx: expected baseline, avx2 or avx512"), property.output());
        ChildJvm.Result variable = ChildJvm.start(List.of(), Map.of("GATUN_ISA", "AVX2"), LoadMain.class, ACCESS).finish();
        assertEquals(3, variable.exitCode(), variable.output());
        assertTrue(variable.output().contains("GATUN_ISA=AVX2: expected baseline, avx2 or avx512"), variable.output());
    }
}
