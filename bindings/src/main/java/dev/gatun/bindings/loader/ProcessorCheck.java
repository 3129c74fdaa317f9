package dev.gatun.bindings.loader;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Refuses processors that the libraries have no code for, before one of them stops the process. */
final class ProcessorCheck {
    private static final Path CPUINFO = Path.of("/proc/cpuinfo");
    /** The least that oneDNN generates code for. */
    private static final String NEEDED = "sse4_1";

    private ProcessorCheck() {
    }

    /** Checks this machine, where the system says what its processor can do. */
    static void require(Platform platform) {
        if (!Files.isReadable(CPUINFO)) {
            return;
        }
        try {
            require(platform, Files.readString(CPUINFO));
        } catch (IOException e) {
            throw new NativeLibraryException(CPUINFO + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Checks a description in the format of Linux. */
    static void require(Platform platform, String cpuinfo) {
        if (!platform.arch().equals("x86_64")) {
            return;
        }
        String flags = field(cpuinfo, "flags");
        if (!flags.isEmpty() && !Arrays.asList(flags.split("\\s+")).contains(NEEDED)) {
            throw new NativeLibraryException("this processor (" + field(cpuinfo, "model name") + ") has no SSE4.1, the least that "
                    + "the native libraries need; AVX2 or AVX-512 is where they are fast");
        }
    }

    private static String field(String cpuinfo, String name) {
        return cpuinfo.lines().filter(line -> line.startsWith(name)).findFirst()
                .map(line -> line.substring(line.indexOf(':') + 1).strip()).orElse("");
    }
}
