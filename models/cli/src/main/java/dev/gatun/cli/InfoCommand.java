package dev.gatun.cli;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.loader.NativeLibraries;
import dev.gatun.bindings.loader.Platform;
import dev.gatun.bindings.loader.Setting;
import dev.gatun.bindings.onednn.OneDnn;
import dev.gatun.bindings.openblas.OpenBlas;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** What Gatun found on this machine. */
@Command(name = "info", mixinStandardHelpOptions = true,
        description = "Show the processor, the instruction sets in use, the native libraries and the CPU budget.")
final class InfoCommand implements Callable<Integer> {
    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        out.println("platform        " + Platform.current() + ", " + processor());
        out.println("CPU budget      " + Runtime.getRuntime().availableProcessors() + " (the container's or the machine's)");
        out.println("oneDNN          " + OneDnn.version() + ", code for " + OneDnn.cpuIsa()
                + ", primitive cache of " + OneDnn.primitiveCacheCapacity());
        out.println("OpenBLAS        " + OpenBlas.config().strip());
        out.println("libgatun        " + Kernels.isa());
        NativeLibraries.paths().forEach((name, path) -> out.println("loaded          " + name + " from " + path));
        out.println("cache folder    " + NativeLibraries.cacheFolder());
        for (Setting setting : Setting.values()) {
            out.println("setting         " + setting.key() + " = " + setting.text() + (setting.isSet() ? "" : " (default)") + ": " + setting.range());
        }
        Setting.unknown().forEach(name -> out.println("unknown         " + name + ": Gatun has no such setting"));
        out.println("Java            " + Runtime.version() + ", " + System.getProperty("java.vm.name"));
        return 0;
    }

    private static String processor() {
        Path cpuinfo = Path.of("/proc/cpuinfo");
        if (!Files.isReadable(cpuinfo)) {
            return System.getProperty("os.arch");
        }
        try (Stream<String> lines = Files.lines(cpuinfo)) {
            return lines.filter(line -> line.startsWith("model name")).findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).strip()).orElse(System.getProperty("os.arch"));
        } catch (IOException e) {
            return System.getProperty("os.arch");
        }
    }
}
