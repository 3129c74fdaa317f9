package dev.gatun.bindings.loader;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The loaded native libraries of this class loader. They are found in {@code -Dgatun.library.path}
 * (a folder; used as it is) or unpacked from the native jar into the cache ({@code -Dgatun.cache.dir},
 * else the user's cache folder). Loaded once and kept until the process ends. Thread-safe.
 */
public final class NativeLibraries {
    /** In load order: libgatun finds the OpenMP runtime that oneDNN brought. */
    private static final List<String> LOAD_ORDER = List.of("dnnl", "openblas", "gatun");

    private static Map<String, Library> loaded;
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
                loaded = loadAll();
            } catch (NativeLibraryException e) {
                failure = e;
                throw e;
            }
        }
    }

    /** Symbols of one library: {@code dnnl}, {@code openblas} or {@code gatun}. Called by the generated code. */
    public static SymbolLookup lookup(String name) {
        load();
        return loaded.get(name).symbols;
    }

    /** Where each library was loaded from, in load order. */
    public static Map<String, Path> paths() {
        load();
        Map<String, Path> paths = new LinkedHashMap<>();
        LOAD_ORDER.forEach(name -> paths.put(name, loaded.get(name).path));
        return paths;
    }

    /** The folder under which the libraries are unpacked when no library path is set. */
    public static Path cacheFolder() {
        return LibraryCache.defaultRoot().toAbsolutePath();
    }

    private static Map<String, Library> loadAll() {
        Platform platform = Platform.current();
        String override = System.getProperty("gatun.library.path");
        Map<String, String> files;
        Path folder;
        if (override != null && !override.isBlank()) {
            folder = Path.of(override).toAbsolutePath();
            if (!Files.isDirectory(folder)) {
                throw new NativeLibraryException("-Dgatun.library.path=" + override + " is not a folder");
            }
            files = defaultFiles(platform);
        } else {
            LibraryManifest manifest = LibraryManifest.of(platform);
            folder = new LibraryCache(LibraryCache.defaultRoot().toAbsolutePath()).unpack(manifest);
            files = manifest.libraries();
        }
        ProcessorCheck.require(platform);
        OpenMpDefaults.set(platform);
        Map<String, Library> libraries = new LinkedHashMap<>();
        for (String name : LOAD_ORDER) {
            libraries.put(name, open(name, folder.resolve(files.get(name))));
        }
        return libraries;
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
            throw new NativeLibraryException("this JVM does not let Gatun call native code: start it with "
                    + "--enable-native-access=" + moduleName(), e);
        } catch (IllegalArgumentException e) {
            throw new NativeLibraryException("library " + name + ": " + file + " cannot be loaded ("
                    + e.getMessage() + "); is it built for " + Platform.current()
                    + ", and is the C++ run-time library (libstdc++.so.6) installed?", e);
        }
    }

    private static String moduleName() {
        Module module = NativeLibraries.class.getModule();
        return module.isNamed() ? module.getName() : "ALL-UNNAMED";
    }
}
