package dev.gatun.bindings.loader;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;

/** Libraries of other jars that are reached through JNI, under the same rules as our own: the same folders, checks and messages. */
public final class JniLibraries {
    private JniLibraries() {
    }

    /**
     * A library of another jar.
     *
     * @param jar       what messages call the jar
     * @param file      its file name
     * @param checksum  SHA-256 of its content
     * @param resources opens a file of the jar by its name, or gives null
     */
    public record Source(String jar, String file, String checksum, Function<String, InputStream> resources) {
    }

    /**
     * Loads a library for the class loader of this class. A JVM loads a file in one class loader only: to further ones it is shown under
     * another name.
     *
     * @return where it was loaded from
     * @throws NativeLibraryException with the path, what was expected and the fix
     */
    public static Path load(Source source) {
        Path override = NativeLibraries.libraryPath();
        LibraryCache cache = new LibraryCache(LibraryCache.defaultRoot().toAbsolutePath());
        Path folder = override != null ? override
                : cache.unpack(LibraryManifest.of(source.jar, source.file, source.checksum, source.resources));
        Path file = folder.resolve(source.file);
        if (!Files.isRegularFile(file)) {
            throw new NativeLibraryException("library " + source.file + " of " + source.jar + ": " + file
                    + " does not exist; copy it there out of the jar");
        }
        LargeStack.call(() -> {
            try {
                System.load(file.toString());
            } catch (UnsatisfiedLinkError e) {
                if (!String.valueOf(e.getMessage()).contains("already loaded in another classloader")) {
                    throw refused(file, e);
                }
                cache.underAnotherName(file, JniLibraries::loadAlias);
            } catch (IllegalCallerException e) {
                throw NativeLibraries.notAllowed(e);
            }
            return null;
        });
        return file;
    }

    private static void loadAlias(Path alias) {
        try {
            System.load(alias.toString());
        } catch (UnsatisfiedLinkError e) {
            throw refused(alias, e);
        }
    }

    private static NativeLibraryException refused(Path file, UnsatisfiedLinkError e) {
        String said = String.valueOf(e.getMessage());
        return NativeLibraries.refused(file.getFileName().toString(), file, said, e);
    }
}
