package dev.gatun.models.tokenize;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.gatun.models.testing.ChildJvm;
import dev.gatun.models.testing.Goldens;
import java.io.File;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.TimeZone;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the tokenizers' native library lives in its process: each case has a JVM of its own. */
class TokenizersNativeTest {
    @TempDir
    Path folder;

    @Test
    void checksumsAreThoseOfTheJar() throws Exception {
        Properties files = new Properties();
        try (InputStream in = TokenizersNative.class.getResourceAsStream("tokenizers.properties")) {
            files.load(in);
        }
        List<String> platforms = files.stringPropertyNames().stream().filter(key -> key.endsWith(".file"))
                .map(key -> key.replace(".file", "")).toList();
        assertEquals(3, platforms.size());
        for (String platform : platforms) {
            String name = files.getProperty(platform + ".folder") + files.getProperty(platform + ".file");
            try (InputStream in = TokenizersLibrary.class.getClassLoader().getResourceAsStream(name)) {
                String found = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(in.readAllBytes()));
                assertEquals(found, files.getProperty(platform + ".sha256"), name);
            }
        }
    }

    /** Encodes in two class loaders, on small stacks, and says what became of the process's properties. */
    static final class TwoLoadersMain {
        public static void main(String[] args) throws Exception {
            // The JDK's own, set when it is first asked for the time.
            TimeZone.getDefault();
            Properties before = (Properties) System.getProperties().clone();
            List<URL> path = new ArrayList<>();
            for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
                path.add(Path.of(entry).toUri().toURL());
            }
            for (int i = 0; i < 3; i++) {
                URLClassLoader loader = new URLClassLoader(path.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
                Method method = loader.loadClass(OneLoader.class.getName()).getDeclaredMethod("encode", String.class);
                method.setAccessible(true);
                Thread thread = new Thread(null, () -> {
                    try {
                        System.out.println(method.invoke(null, args[0]));
                    } catch (ReflectiveOperationException e) {
                        System.out.println("failed: " + e.getCause());
                    }
                }, "small", 256 << 10);
                thread.start();
                thread.join();
            }
            before.forEach((name, value) -> System.getProperties().remove(name, value));
            System.out.println("new properties " + System.getProperties());
        }
    }

    /** In each class loader. */
    static final class OneLoader {
        static String encode(String file) {
            try (TextTokenizer tokenizer = TextTokenizer.load(Path.of(file), 9)) {
                return tokenizer.encode("a b").ids().length + " tokens";
            } catch (RuntimeException e) {
                return "refused: " + e.getMessage();
            }
        }
    }

    private ChildJvm.Result run(String... flags) throws Exception {
        List<String> command = new ArrayList<>(List.of("--enable-native-access=ALL-UNNAMED"));
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", ChildJvm.classPath(), TwoLoadersMain.class.getName(),
                Goldens.path("bert/tiny/tokenizer.json").toString()));
        return ChildJvm.run(command);
    }

    @Test
    void classLoadersAndSmallStacksShareAProcessThatIsLeftAlone() throws Exception {
        Path cache = folder.resolve("cache");
        ChildJvm.Result result = run("-Dgatun.cache.dir=" + cache);
        assertEquals(List.of("4 tokens", "4 tokens", "4 tokens", "new properties {}"), result.output().lines().toList());
        try (var entries = Files.list(cache)) {
            assertEquals(1, entries.filter(Files::isDirectory).count(), "one copy, and no leftovers");
        }
    }

    @Test
    void theLibraryPathCountsForItToo() throws Exception {
        String output = run("-Dgatun.library.path=" + folder).output();
        assertTrue(output.contains("refused: library libtokenizers.so of the jar ai.djl.huggingface:tokenizers: " + folder), output);
        Path file = Files.writeString(folder.resolve("libtokenizers.so"), "not a library");
        output = run("-Dgatun.library.path=" + folder).output();
        assertTrue(output.contains(file + " cannot be loaded (") && output.contains("is it built for"), output);
    }

    @Test
    void aCacheThatCannotBeWrittenIsNamed() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "");
        String output = run("-Dgatun.cache.dir=" + file).output();
        assertTrue(output.contains("cannot unpack the native libraries into " + file) && output.contains("-Dgatun.cache.dir=FOLDER"),
                output);
        assertFalse(output.contains("is not a tokenizer"), output);
    }
}
