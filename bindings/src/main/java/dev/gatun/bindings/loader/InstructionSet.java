package dev.gatun.bindings.loader;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * The limit that {@code -Dgatun.isa} or else {@code GATUN_ISA} sets: oneDNN and libgatun use nothing better, whatever the machine has. It
 * holds for the process, from when each library is loaded. OpenBLAS has no such call: it keeps to its own choice.
 */
final class InstructionSet {
    private static final String VARIABLE = "GATUN_ISA";
    /** From the least; libgatun's numbers. */
    private static final List<String> NAMES = List.of("baseline", "avx2", "avx512");
    /** {@code dnnl_cpu_isa_sse41}, {@code _avx2}; the best set needs no limit. */
    private static final int[] ONEDNN = {0x1, 0x7, 0x0};

    private InstructionSet() {
    }

    /** Refuses what is none of the names, before anything is loaded. */
    static void check() {
        chosen();
    }

    /** The name, or an empty text for no limit. */
    private static String chosen() {
        String variable = System.getenv(VARIABLE);
        if (Setting.ISA.isSet() || variable == null || variable.isEmpty()) {
            return Setting.ISA.text();
        }
        if (!NAMES.contains(variable)) {
            throw new IllegalArgumentException(VARIABLE + "=" + variable + ": expected " + Setting.ISA.range());
        }
        return variable;
    }

    /** Before the first kernel is chosen. */
    static void limitGatun(SymbolLookup gatun) {
        int limit = NAMES.indexOf(chosen());
        if (limit >= 0) {
            call(gatun, "gatun_limit_isa", limit);
        }
    }

    /** Before the first primitive is made. */
    static void limitOneDnn(SymbolLookup oneDnn) {
        int limit = NAMES.indexOf(chosen());
        if (limit < 0 || ONEDNN[limit] == 0) {
            return;
        }
        int status = call(oneDnn, "dnnl_set_max_cpu_isa", ONEDNN[limit]);
        if (status != 0) {
            throw new NativeLibraryException("oneDNN cannot be limited to " + NAMES.get(limit) + " any more (status " + status
                    + "): something else in this process has used it, or this build of it has no such limits");
        }
    }

    private static int call(SymbolLookup library, String name, int value) {
        try {
            return (int) Linker.nativeLinker().downcallHandle(library.findOrThrow(name),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT)).invokeExact(value);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
