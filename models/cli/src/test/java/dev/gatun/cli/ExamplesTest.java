package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bindings.loader.Setting;
import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.models.testing.MiniLm;
import dev.gatun.tensor.Tensor;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/**
 * The Java of README and docs: compiled, and run unless its block says {@code no-run}. A block of methods is there for the blocks after it;
 * any other is the body of a method, with the parameters below. Links of the pages lead somewhere.
 */
class ExamplesTest {
    private static final Path ROOT = Path.of("../..").toAbsolutePath().normalize();
    private static final Pattern BLOCK = Pattern.compile("^```java( no-run)?\\R(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL);
    private static final Pattern LINK = Pattern.compile("]\\(([^)#:]+)\\)");
    private static final Pattern ROW = Pattern.compile("^\\| (`[^|]*`) \\|", Pattern.MULTILINE);
    private static final Pattern COMMAND = Pattern.compile("(?:^\\| `|^gatun |`gatun )([a-z-]+)");
    private static final Pattern OPTION = Pattern.compile("(?<![-\\w])--[a-z][a-z0-9-]*");
    private static final String IMPORTS = Stream.of("dev.gatun.models.checkpoint", "dev.gatun.models.encode", "dev.gatun.models.generate",
                    "dev.gatun.models.family.transformer", "dev.gatun.models.family.whisper", "dev.gatun.models.registry",
                    "dev.gatun.models.runtime", "dev.gatun.models.onnx", "dev.gatun.models.task.classify", "dev.gatun.models.task.embed",
                    "dev.gatun.models.task.language", "dev.gatun.models.task.speech", "dev.gatun.models.task.summarize",
                    "dev.gatun.models.task.translate",
                    "dev.gatun.models.train", "dev.gatun.tensor", "dev.gatun.tensor.graph", "dev.gatun.tensor.op", "java.lang.foreign",
                    "java.nio.file", "java.util", "java.util.concurrent")
            .map(name -> "import " + name + ".*;\n").reduce("", String::concat);
    private static final String PARAMETERS = "(Path folder, Path file, List<String> texts, List<Path> pictures, List<int[]> sources,"
            + " float[] values, int n) throws Exception {\n";

    @TempDir
    Path folder;

    static List<Path> pages() throws IOException {
        try (Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
            return Stream.concat(Stream.of("README.md", "CONTRIBUTING.md").map(ROOT::resolve), docs.sorted()).toList();
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void javaCompilesAndRuns(Path page) throws Exception {
        List<String> toRun = new ArrayList<>();
        StringBuilder source = new StringBuilder(IMPORTS).append("class Example {\n");
        Matcher block = BLOCK.matcher(Files.readString(page));
        for (int i = 0; block.find(); i++) {
            String code = block.group(2).replace("Path.of(\"all-MiniLM-L6-v2\")", "folder");
            if (code.startsWith("static ")) {
                source.append(code);
                continue;
            }
            source.append("static void block").append(i).append(PARAMETERS).append(code).append("}\n");
            if (block.group(1) == null) {
                toRun.add("block" + i);
            }
        }
        compile(source.append("}\n").toString());
        try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
            Class<?> example = loader.loadClass("Example");
            for (String name : toRun) {
                Method method = Stream.of(example.getDeclaredMethods()).filter(m -> m.getName().equals(name)).findFirst().orElseThrow();
                method.setAccessible(true);
                try {
                    method.invoke(null, MiniLm.folder(), weights(), List.of("Hello", "a cat"), List.of(), List.of(), new float[3 * 7], 3);
                } catch (InvocationTargetException e) {
                    throw new AssertionError(page + ", " + name, e.getCause());
                }
            }
        }
    }

    private void compile(String source) throws IOException {
        Path file = Files.writeString(folder.resolve("Example.java"), source);
        StringWriter messages = new StringWriter();
        PrintWriter writer = new PrintWriter(messages);
        int code = ToolProvider.findFirst("javac").orElseThrow().run(writer, writer, "-d", folder.toString(), "-proc:none", "-cp",
                System.getProperty("java.class.path"), file.toString());
        assertEquals(0, code, () -> messages + "\n" + source);
    }

    /** What the network of docs/own-network.md loads. */
    private Path weights() throws IOException {
        Path file = folder.resolve("mlp.safetensors");
        try (Arena arena = Arena.ofConfined()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("fc1.weight", Tensor.ofFloats(arena, new float[33 * 7], 33, 7));
            tensors.put("fc1.bias", Tensor.ofFloats(arena, new float[33], 33));
            tensors.put("fc2.weight", Tensor.ofFloats(arena, new float[5 * 33], 5, 33));
            tensors.put("fc2.bias", Tensor.ofFloats(arena, new float[5], 5));
            SafetensorsWriter.write(file, tensors, Map.of());
        }
        return file;
    }

    @Test
    void readmeHasExamples() throws IOException {
        assertTrue(BLOCK.matcher(Files.readString(ROOT.resolve("README.md"))).results().count() >= 4);
    }

    @ParameterizedTest
    @MethodSource("pages")
    void linksLeadSomewhere(Path page) throws IOException {
        List<String> broken = LINK.matcher(Files.readString(page)).results().map(link -> link.group(1))
                .filter(link -> !Files.exists(page.resolveSibling(link))).toList();
        assertEquals(Collections.emptyList(), broken);
    }

    @Test
    void everyCommandHasItsRow() throws IOException {
        TreeSet<String> documented = new TreeSet<>();
        ROW.matcher(Files.readString(ROOT.resolve("docs/commands.md"))).results().forEach(row ->
                Pattern.compile("`([a-z-]+)").matcher(row.group(1)).results().forEach(name -> documented.add(name.group(1))));
        assertEquals(new TreeSet<>(new CommandLine(new Gatun()).getSubcommands().keySet()), documented);
    }

    /** In every line of a page that names a command, as in a table or an example. */
    @ParameterizedTest
    @MethodSource("pages")
    void commandsAndTheirOptionsExist(Path page) throws IOException {
        Map<String, CommandLine> commands = new CommandLine(new Gatun()).getSubcommands();
        List<String> unknown = new ArrayList<>();
        for (String line : Files.readAllLines(page)) {
            Matcher named = COMMAND.matcher(line);
            if (named.find() && (!line.startsWith("|") || page.endsWith("commands.md"))) {
                CommandLine command = commands.get(named.group(1));
                if (command == null) {
                    unknown.add(named.group(1));
                } else {
                    OPTION.matcher(line).results().map(MatchResult::group).filter(o -> command.getCommandSpec().findOption(o) == null)
                            .forEach(option -> unknown.add(named.group(1) + " " + option));
                }
            }
        }
        assertEquals(List.of(), unknown);
    }

    @Test
    void everySettingHasItsLine() throws IOException {
        String settings = Files.readString(ROOT.resolve("docs/settings.md"));
        for (Setting setting : Setting.values()) {
            assertTrue(settings.contains("`" + setting.key() + "`"), "docs/settings.md: " + setting.key());
        }
    }
}
