package dev.gatun.bindings.loader;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ProcessorCheckTest {
    private static final Platform X86 = new Platform("linux", "x86_64");

    @Test
    void aProcessorWithoutTheLeastInstructionSetIsRefusedByName() {
        String old = "processor\t: 0\nmodel name\t: Old Processor 1\nflags\t\t: fpu sse sse2 ssse3\n";
        NativeLibraryException e = assertThrows(NativeLibraryException.class, () -> ProcessorCheck.require(X86, old));
        assertTrue(e.getMessage().contains("Old Processor 1") && e.getMessage().contains("SSE4.1"), e.getMessage());
    }

    @Test
    void otherProcessorsPass() {
        assertDoesNotThrow(() -> ProcessorCheck.require(X86, "flags\t: fpu sse sse2 ssse3 sse4_1 avx2\n"));
        assertDoesNotThrow(() -> ProcessorCheck.require(X86, "no flags here"));
        assertDoesNotThrow(() -> ProcessorCheck.require(new Platform("linux", "arm64"), "flags\t: fpu\n"));
        assertDoesNotThrow(() -> ProcessorCheck.require(Platform.current()));
    }
}
