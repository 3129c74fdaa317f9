package dev.gatun.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.loader.NativeLibraries;
import dev.gatun.bindings.loader.Platform;
import dev.gatun.bindings.loader.Setting;
import dev.gatun.bindings.onednn.OneDnn;
import dev.gatun.bindings.openblas.OpenBlas;
import dev.gatun.models.hub.HubCache;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What Gatun found on this machine. */
@Command(name = "info", mixinStandardHelpOptions = true,
        description = "Show the processor, the instruction sets in use, the native libraries and the CPU budget.")
final class InfoCommand implements Callable<Integer> {
    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        Map<String, String> facts = facts();
        if (json) {
            out.println(new ObjectMapper().writeValueAsString(facts));
        } else {
            facts.forEach((name, value) -> out.printf("%-23s %s%n", name, value));
        }
        return 0;
    }

    private static Map<String, String> facts() {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("platform", Platform.current() + ", " + processor());
        facts.put("CPU budget", Runtime.getRuntime().availableProcessors() + " (the container's or the machine's)");
        facts.put("oneDNN", OneDnn.version() + ", code for " + OneDnn.cpuIsa() + ", primitive cache of " + OneDnn.primitiveCacheCapacity());
        facts.put("OpenBLAS", OpenBlas.config().strip());
        facts.put("libgatun", Kernels.isa());
        NativeLibraries.paths().forEach((name, path) -> facts.put("loaded " + name, path.toString()));
        facts.put("cache folder", NativeLibraries.cacheFolder().toString());
        facts.put("hub cache", HubCache.ofUser().folder().toString());
        for (Setting setting : Setting.values()) {
            facts.put(setting.key(), (setting.text().isEmpty() ? "-" : setting.text()) + (setting.isSet() ? "" : " (default)") + "; "
                    + setting.range());
        }
        Setting.unknown().forEach(name -> facts.put(name, "no setting of Gatun"));
        facts.put("Java", Runtime.version() + ", " + System.getProperty("java.vm.name"));
        return facts;
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
