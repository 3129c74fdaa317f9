package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.testing.ChildJvm;
import dev.gatun.models.testing.Goldens;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Gatun as named modules: a user's module compiled against the exports and run in a JVM of its own. */
class ModulePathTest {
    private static final String USER = """
            package user;

            import dev.gatun.models.task.embed.EmbeddingModel;
            import dev.gatun.models.task.embed.Embeddings;
            import java.nio.file.Path;
            import java.util.List;

            public class Main {
                public static void main(String[] args) {
                    try (EmbeddingModel model = EmbeddingModel.load(Path.of(args[0]))) {
                        Embeddings e = model.embed(List.of("a b", "a b", "the quick brown fox"));
                        System.out.println("module " + EmbeddingModel.class.getModule().getName());
                        System.out.println("same " + (e.cosine(0, 1) > 0.9999) + ", other " + (e.cosine(0, 2) > 0.9999));
                    } catch (RuntimeException e) {
                        System.out.println("failed: " + e.getMessage());
                    }
                }
            }
            """;
    /** What the test itself needs and a user does not. */
    private static final Pattern TEST_ONLY = Pattern.compile("test-classes|-tests\\.jar|junit|opentest4j|apiguardian|surefire");

    @TempDir
    Path folder;

    private static String modulePath() {
        return Stream.of(ChildJvm.classPath().split(File.pathSeparator))
                .filter(entry -> !TEST_ONLY.matcher(entry).find() && new File(entry).exists())
                .collect(Collectors.joining(File.pathSeparator));
    }

    private Path compileUser() throws IOException {
        Path sources = Files.createDirectories(folder.resolve("src/user"));
        Files.writeString(sources.resolve("Main.java"), USER);
        Files.writeString(sources.resolveSibling("module-info.java"), "module user { requires dev.gatun.models; }");
        Path classes = folder.resolve("classes");
        StringWriter output = new StringWriter();
        PrintWriter writer = new PrintWriter(output);
        int code = ToolProvider.findFirst("javac").orElseThrow().run(writer, writer, "--module-path", modulePath(), "-d",
                classes.toString(), sources.resolve("Main.java").toString(), sources.resolveSibling("module-info.java").toString());
        assertEquals(0, code, output.toString());
        return classes;
    }

    @Test
    void aUsersModuleEmbeds() throws Exception {
        String path = compileUser() + File.pathSeparator + modulePath();
        ChildJvm.Result result = ChildJvm.run(List.of("--enable-native-access=dev.gatun.bindings,ai.djl.tokenizers",
                "--illegal-native-access=deny", "--module-path", path, "-m", "user/user.Main", Goldens.path("bert/tiny").toString()));
        assertEquals(0, result.exitCode(), result.output());
        assertTrue(result.output().contains("module dev.gatun.models"), result.output());
        assertTrue(result.output().contains("same true, other false"), result.output());
        assertFalse(result.output().contains("WARNING"), result.output());
    }

    @Test
    void withoutNativeAccessTheFlagIsNamed() throws Exception {
        String path = compileUser() + File.pathSeparator + modulePath();
        ChildJvm.Result result = ChildJvm.run(List.of("--illegal-native-access=deny", "--module-path", path,
                "-m", "user/user.Main", Goldens.path("bert/tiny").toString()));
        assertTrue(result.output().contains("failed: this JVM does not let Gatun call native code: start it with "
                + "--enable-native-access=dev.gatun.bindings"), result.output());
    }

    @Test
    void theCommandRunsFromTheModulePath() throws Exception {
        Path input = Files.writeString(folder.resolve("in.txt"), "a\nb\n");
        ChildJvm.Result result = ChildJvm.run(List.of("--enable-native-access=dev.gatun.bindings,ai.djl.tokenizers",
                "--module-path", modulePath(), "-m", "dev.gatun.cli/dev.gatun.cli.Gatun", "search",
                "--model", Goldens.path("bert/tiny").toString(), "--corpus", input.toString(), "a"));
        assertEquals(0, result.exitCode(), result.output());
        assertTrue(result.output().contains("1.0000  a"), result.output());
    }
}
