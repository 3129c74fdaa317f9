package dev.gatun.bindings.loader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.bindings.testing.ChildJvm;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Loading is once for a process: each case has a JVM of its own. */
class LoadingProcessTest {
    private static final String ACCESS = "--enable-native-access=ALL-UNNAMED";

    @TempDir
    Path temp;

    private static String refusal(String... flags) throws Exception {
        ChildJvm.Result result = ChildJvm.start(LoadMain.class, flags).finish();
        assertEquals(3, result.exitCode(), result.output());
        assertTrue(result.output().contains("same again"), result.output());
        return result.output();
    }

    private static void assertContains(String output, String... parts) {
        for (String part : parts) {
            assertTrue(output.contains(part), "expected '" + part + "' in: " + output);
        }
    }

    @Test
    void twoProcessesUnpackAtOnceIntoOneEmptyCache() throws Exception {
        String cache = "-Dgatun.cache.dir=" + temp.resolve("cache");
        List<ChildJvm> children = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            children.add(ChildJvm.start(LoadMain.class, ACCESS, cache));
        }
        for (ChildJvm child : children) {
            ChildJvm.Result result = child.finish();
            assertEquals(0, result.exitCode(), result.output());
            assertContains(result.output(), "loaded", temp.resolve("cache").toString());
        }
        try (Stream<Path> entries = Files.list(temp.resolve("cache"))) {
            assertEquals(2, entries.filter(Files::isDirectory).count(), "a folder, one of OpenBLAS, and no leftovers");
        }
    }

    @Test
    void openBlasIsUnpackedWhenItIsAskedFor() throws Exception {
        String cache = "-Dgatun.cache.dir=" + temp.resolve("cache");
        ChildJvm.Result result = ChildJvm.start(LoadMain.class, ACCESS, cache, "-Dgatun.test.without=openblas").finish();
        assertEquals(0, result.exitCode(), result.output());
        try (Stream<Path> files = Files.walk(temp.resolve("cache"))) {
            List<String> names = files.map(file -> file.getFileName().toString()).filter(name -> name.startsWith("lib")).sorted().toList();
            assertEquals(List.of("libdnnl.so.3", "libgatun.so", "libgcc_s.so.1"), names);
        }
    }

    @Test
    void aJvmWithoutNativeAccessIsToldTheFlag() throws Exception {
        assertContains(refusal("--illegal-native-access=deny", "-Dgatun.cache.dir=" + temp),
                "refused: this JVM does not let Gatun call native code", "--enable-native-access=ALL-UNNAMED");
    }

    @Test
    void anUnknownSystemIsNamed() throws Exception {
        assertContains(refusal(ACCESS, "-Dos.name=Plan 9"), "no native libraries for plan-9-");
        assertContains(refusal(ACCESS, "-Dos.arch=riscv64"), "-riscv64", "gatun-native");
    }

    @Test
    void aCacheThatCannotBeWrittenIsNamed() throws Exception {
        Path file = Files.writeString(temp.resolve("file"), "");
        assertContains(refusal(ACCESS, "-Dgatun.cache.dir=" + file), "cannot unpack the native libraries into " + file,
                "choose another folder with -Dgatun.cache.dir=FOLDER");
    }

    @Test
    void theLibraryPathIsUsedAsItIs() throws Exception {
        Path missing = temp.resolve("missing");
        assertContains(refusal(ACCESS, "-Dgatun.library.path=" + missing), missing + " is not a folder");
        assertContains(refusal(ACCESS, "-Dgatun.library.path=" + temp), "library gatun: " + temp, "does not exist");
        Path good = goodFolder();
        ChildJvm.Result result = ChildJvm.start(LoadMain.class, ACCESS, "-Dgatun.library.path=" + good,
                "-Dgatun.cache.dir=" + temp.resolve("unused")).finish();
        assertEquals(0, result.exitCode(), result.output());
        assertContains(result.output(), "dnnl=" + good, "openblas=" + good, "gatun=" + good);
        assertTrue(Files.notExists(temp.resolve("unused")), "the cache is not touched");
    }

    @Test
    void aFileThatIsNoLibraryIsNamed() throws Exception {
        Path folder = goodFolder();
        Path blas = folder.resolve(defaultFiles().get("openblas"));
        Files.delete(blas);
        Files.writeString(blas, "not a library");
        assertContains(refusal(ACCESS, "-Dgatun.library.path=" + folder), "library openblas: " + blas + " cannot be loaded",
                "file too short", "is it built for " + Platform.current());
    }

    @Test
    void aThreadWithASmallStackLoads() throws Exception {
        ChildJvm.Result result = ChildJvm.start(LoadMain.class, ACCESS, "-Xss256k").finish();
        assertEquals(0, result.exitCode(), result.output());
        assertContains(result.output(), "loaded");
    }

    @Test
    void twoClassLoadersOfOneJvmLoad() throws Exception {
        ChildJvm.Result result = ChildJvm.start(TwoLoadersMain.class, ACCESS).finish();
        assertEquals(0, result.exitCode(), result.output());
        assertContains(result.output(), "first loaded", "second loaded", "other classes");
    }

    /** Loads everything in two class loaders that share nothing but the JDK. */
    static final class TwoLoadersMain {
        public static void main(String[] args) throws Exception {
            List<URL> path = new ArrayList<>();
            for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
                path.add(Path.of(entry).toUri().toURL());
            }
            List<Class<?>> seen = new ArrayList<>();
            for (String name : List.of("first", "second")) {
                Class<?> main = new URLClassLoader(path.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())
                        .loadClass(LoadMain.class.getName());
                java.lang.reflect.Method method = main.getDeclaredMethod("main", String[].class);
                method.setAccessible(true);
                System.out.print(name + " ");
                method.invoke(null, (Object) args);
                seen.add(main);
            }
            System.out.println(seen.get(0) == seen.get(1) ? "the same classes" : "other classes");
        }
    }

    @Test
    void aLibraryOfAnotherVersionIsRefused() throws Exception {
        String other = "long gatun_header_checksum(void) { return 99; } void GOMP_barrier(void) { } void GOMP_parallel(void) { }"
                + "int omp_get_max_threads(void) { return 1; } int omp_get_num_threads(void) { return 1; }"
                + "int omp_get_thread_num(void) { return 0; } int omp_in_parallel(void) { return 0; }";
        assertContains(refusal(ACCESS, "-Dgatun.library.path=" + folderWith("gatun", other)),
                "library gatun: " + temp, "header with checksum 99, ", "make native");
        String oneDnn = "typedef struct { int major, minor, patch; const char *hash; unsigned a, b; } version;"
                + "static version v = {2, 7, 0, \"\", 0, 0}; const version *dnnl_version(void) { return &v; }";
        assertContains(refusal(ACCESS, "-Dgatun.library.path=" + folderWith("dnnl", oneDnn)),
                "oneDNN 2.7 in " + temp, "the bindings need 3.");
        String openBlas = "char *openblas_get_config(void) { return \"OpenBLAS 0.2.20 NO_AFFINITY\"; }"
                + "void openblas_set_num_threads(int n) { (void) n; }";
        assertContains(refusal(ACCESS, "-Dgatun.library.path=" + folderWith("openblas", openBlas)),
                "OpenBLAS 0.2.20", "the bindings need 0.3.");
    }

    /** A folder with everything, one library compiled from this source. */
    private Path folderWith(String library, String source) throws Exception {
        Path folder = goodFolder();
        Path file = folder.resolve(defaultFiles().get(library));
        Files.deleteIfExists(file);
        Path c = Files.writeString(folder.resolve("other.c"), source);
        Process compiler;
        try {
            // oneDNN asks libgatun for names with these versions.
            Path versions = Files.writeString(folder.resolve("versions"),
                    "OMP_1.0 { omp_*; }; GOMP_1.0 { GOMP_barrier; }; GOMP_4.0 { GOMP_parallel; };"
                    + "ALL { *; };");
            compiler = new ProcessBuilder("cc", "-shared", "-fPIC", "-Wl,--version-script," + versions, "-o", file.toString(), c.toString())
                    .inheritIO().start();
        } catch (IOException e) {
            assumeTrue(false, "no C compiler to build a library of another version with");
            throw e;
        }
        assertEquals(0, compiler.waitFor());
        return folder;
    }

    private static Map<String, String> defaultFiles() {
        return LibraryManifest.of(Platform.current()).libraries();
    }

    /** The files of this build in a folder of their own, linked where the file system can. */
    private Path goodFolder() throws IOException {
        LibraryManifest manifest = LibraryManifest.of(Platform.current());
        Path from = new LibraryCache(LibraryCache.defaultRoot().toAbsolutePath()).unpack(manifest);
        Path folder = Files.createTempDirectory(temp, "libraries");
        for (String file : manifest.checksums().keySet()) {
            try {
                Files.createLink(folder.resolve(file), from.resolve(file));
            } catch (FileSystemException | UnsupportedOperationException e) {
                Files.copy(from.resolve(file), folder.resolve(file));
            }
        }
        return folder;
    }
}
