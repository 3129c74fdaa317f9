package dev.gatun.bindings.loader;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The loaded native libraries of this class loader. They are found in {@code -Dgatun.library.path}
 * (a folder; used as it is) or unpacked from the native jar into the cache ({@code -Dgatun.cache.dir},
 * else the user's cache folder). Loaded once and kept until the process ends. Thread-safe.
 */
public final class NativeLibraries {
    /** Loaded first: it has the threads that oneDNN computes with. */
    private static final String GATUN = "gatun";
    private static final String ONEDNN = "dnnl";
    /** Loaded when something asks for them: who never computes with one need not have it in memory. */
    private static final List<String> LATE = List.of(ONEDNN, "openblas");

    private static Map<String, Library> loaded;
    /** Finds a library's file by its name, and unpacks it if need be. */
    private static Function<String, Path> files;
    private static NativeLibraryException failure;

    private NativeLibraries() {
    }

    private record Library(Path path, SymbolLookup symbols) {
    }

    /**
     * Loads the libraries if they are not yet.
     *
     * @throws NativeLibraryException with the path, what was expected and the fix; the same on every later call
     */
    public static synchronized void load() {
        if (failure != null) {
            throw new NativeLibraryException(failure.getMessage(), failure);
        }
        if (loaded == null) {
            try {
                // oneDNN's initializers alone need more stack than 512 KB.
                loaded = LargeStack.call(NativeLibraries::loadAll);
            } catch (NativeLibraryException e) {
                failure = e;
                throw e;
            }
        }
    }

    /** Symbols of one library: {@code dnnl}, {@code openblas} or {@code gatun}. Called by the generated code. */
    public static SymbolLookup lookup(String name) {
        return library(name).symbols;
    }

    private static synchronized Library library(String name) {
        load();
        return loaded.computeIfAbsent(name, late -> LargeStack.call(() -> {
            Library library = open(late, files.apply(late));
            if (late.equals(ONEDNN)) {
                requireOurThreads(library);
                InstructionSet.limitOneDnn(library.symbols);
            }
            return library;
        }));
    }

    /** Where each library was loaded from, in load order. */
    public static Map<String, Path> paths() {
        Map<String, Path> paths = new LinkedHashMap<>();
        paths.put(GATUN, library(GATUN).path);
        LATE.forEach(name -> paths.put(name, library(name).path));
        return paths;
    }

    /** The folder under which the libraries are unpacked when no library path is set. */
    public static Path cacheFolder() {
        return LibraryCache.defaultRoot().toAbsolutePath();
    }

    private static Map<String, Library> loadAll() {
        Platform platform = Platform.current();
        Setting.checkAll();
        InstructionSet.check();
        Function<String, Path> found = find(platform);
        ProcessorCheck.require(platform);
        Library gatun = open(GATUN, found.apply(GATUN));
        HeaderCheck.require(gatun.path, gatun.symbols);
        InstructionSet.limitGatun(gatun.symbols);
        files = found;
        return new HashMap<>(Map.of(GATUN, gatun));
    }

    private static Function<String, Path> find(Platform platform) {
        Path own = libraryPath();
        if (own != null) {
            Map<String, String> names = defaultFiles(platform);
            return name -> own.resolve(names.get(name));
        }
        LibraryManifest manifest = LibraryManifest.of(platform);
        LibraryCache cache = new LibraryCache(LibraryCache.defaultRoot().toAbsolutePath());
        Path folder = cache.unpack(manifest.atOnce());
        return name -> (manifest.companions().containsKey(name) ? cache.unpack(manifest.late(name)) : folder)
                .resolve(manifest.libraries().get(name));
    }

    /** A oneDNN with threads of its own would not know how many it may use, and compute with another number than it compiled for. */
    private static void requireOurThreads(Library oneDnn) {
        Optional<MemorySegment> ours = loaded.get(GATUN).symbols.find("omp_get_max_threads");
        Optional<MemorySegment> theirs = oneDnn.symbols.find("omp_get_max_threads");
        if (ours.isPresent() && theirs.isPresent() && !ours.equals(theirs)) {
            throw new NativeLibraryException("library dnnl: " + oneDnn.path
                    + " takes its threads from another library than libgatun; replace the "
                    + "name libgomp.so.1 in it as native/stage.sh does");
        }
    }

    /** The user's own folder of libraries, or null. */
    static Path libraryPath() {
        if (!Setting.LIBRARY_PATH.isSet()) {
            return null;
        }
        Path folder = Path.of(Setting.LIBRARY_PATH.text()).toAbsolutePath();
        if (!Files.isDirectory(folder)) {
            throw new NativeLibraryException("-Dgatun.library.path=" + Setting.LIBRARY_PATH.text() + " is not a folder");
        }
        return folder;
    }

    private static Map<String, String> defaultFiles(Platform platform) {
        return switch (platform.os()) {
            case "macosx" -> Map.of("dnnl", "libdnnl.3.dylib", "openblas", "libopenblas.0.dylib", "gatun", "libgatun.dylib");
            case "windows" -> Map.of("dnnl", "dnnl.dll", "openblas", "libopenblas.dll", "gatun", "gatun.dll");
            default -> Map.of("dnnl", "libdnnl.so.3", "openblas", "libopenblas.so.0", "gatun", "libgatun.so");
        };
    }

    private static Library open(String name, Path file) {
        if (!Files.isRegularFile(file)) {
            throw new NativeLibraryException("library " + name + ": " + file + " does not exist");
        }
        try {
            return new Library(file, SymbolLookup.libraryLookup(file, Arena.global()));
        } catch (IllegalCallerException e) {
            throw notAllowed(e);
        } catch (IllegalArgumentException e) {
            throw refused(name, file, SystemCalls.refusal(file.toString()), e);
        }
    }

    /** What the system's loader said, and what to do about that. */
    static NativeLibraryException refused(String name, Path file, String said, Throwable cause) {
        String cure = said.contains("libstdc++") && said.contains("cannot open") ? "install the C++ run-time library, libstdc++.so.6"
                : said.contains("failed to map segment") || said.contains("Operation not permitted")
                        ? "is the folder on a file system that is mounted noexec? Choose another with -Dgatun.cache.dir=FOLDER; or is the "
                                + "address space "
                                + "limited (ulimit -v)?"
                : said.contains("GLIBC") ? "the system's C library is older than the libraries need"
                : "is it built for " + Platform.current() + "?";
        return new NativeLibraryException("library " + name + ": " + file + " cannot be loaded ("
                + (said.isEmpty() ? cause.getMessage() : said) + "); " + cure, cause);
    }

    static NativeLibraryException notAllowed(IllegalCallerException e) {
        return new NativeLibraryException("this JVM does not let Gatun call native code: start it with --enable-native-access="
                + moduleName(), e);
    }

    private static String moduleName() {
        Module module = NativeLibraries.class.getModule();
        return module.isNamed() ? module.getName() : "ALL-UNNAMED";
    }
}
