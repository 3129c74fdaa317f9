package dev.gatun.bindings.loader;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * The list of one platform's libraries: {@code libraries.properties} in the native jar, or what else a jar has.
 *
 * @param jar        what messages call the jar
 * @param resources  finds a file by its name, or gives null
 * @param identity   hash of the list itself: names the cache folder
 * @param libraries  library name to file name
 * @param checksums  file name to SHA-256, every file
 * @param companions library name to the files that nothing but it needs, itself among them
 */
record LibraryManifest(String jar, Function<String, InputStream> resources, String identity, Map<String, String> libraries,
        Map<String, String> checksums, Map<String, Set<String>> companions) {

    static LibraryManifest of(Platform platform) {
        String folder = "/dev/gatun/natives/" + platform + "/";
        byte[] bytes;
        try (InputStream in = resource(folder + "libraries.properties")) {
            if (in == null) {
                throw new NativeLibraryException("no native libraries for " + platform
                        + " on the class path or module path: add gatun-native with the classifier " + platform
                        + ", or point -Dgatun.library.path at a folder of libraries built for it");
            }
            bytes = in.readAllBytes();
        } catch (IOException e) {
            throw new NativeLibraryException("cannot read " + folder + "libraries.properties", e);
        }
        return parse(folder, bytes);
    }

    static LibraryManifest parse(String folder, byte[] bytes) {
        Properties properties = new Properties();
        try {
            properties.load(new ByteArrayInputStream(bytes));
        } catch (IOException e) {
            throw new NativeLibraryException("cannot parse " + folder + "libraries.properties", e);
        }
        Map<String, String> libraries = new TreeMap<>();
        Map<String, String> checksums = new TreeMap<>();
        Map<String, Set<String>> companions = new TreeMap<>();
        for (String key : properties.stringPropertyNames()) {
            if (key.startsWith("library.")) {
                libraries.put(key.substring("library.".length()), properties.getProperty(key));
            } else if (key.startsWith("sha256.")) {
                checksums.put(key.substring("sha256.".length()), properties.getProperty(key));
            } else if (key.startsWith("with.")) {
                companions.put(key.substring("with.".length()), Set.of(properties.getProperty(key).trim().split(" +")));
            }
        }
        return new LibraryManifest("the native jar", file -> resource(folder + file), identity(bytes), libraries, checksums,
                companions);
    }

    /** A single library of another jar. */
    static LibraryManifest of(String jar, String file, String checksum, Function<String, InputStream> resources) {
        return new LibraryManifest(jar, resources, identity((file + checksum).getBytes(StandardCharsets.UTF_8)), Map.of(file, file),
                Map.of(file, checksum), Map.of());
    }

    /** What is loaded at once: all files but those that come with a library of their own. */
    LibraryManifest atOnce() {
        return part("at once", file -> companions.values().stream().noneMatch(files -> files.contains(file)));
    }

    /** A library that is loaded when something asks for it, and what comes with it. */
    LibraryManifest late(String library) {
        return part(library, companions.getOrDefault(library, Set.of())::contains);
    }

    private LibraryManifest part(String name, Predicate<String> wanted) {
        Map<String, String> files = new TreeMap<>(checksums);
        files.keySet().removeIf(wanted.negate());
        String folder = identity((identity + name).getBytes(StandardCharsets.UTF_8));
        return new LibraryManifest(jar, resources, folder, libraries, files, Map.of());
    }

    private static String identity(byte[] content) {
        return hex(sha256().digest(content)).substring(0, 20);
    }

    /** A file of this platform; the caller closes it. */
    InputStream open(String file) throws IOException {
        InputStream in = resources.apply(file);
        if (in == null) {
            throw new IOException(file + " is missing from " + jar);
        }
        return in;
    }

    private static InputStream resource(String name) {
        // The folder's name has a dash, so it is no package and module encapsulation does not hide it.
        String path = name.substring(1);
        ClassLoader loader = LibraryManifest.class.getClassLoader();
        return loader != null ? loader.getResourceAsStream(path) : ClassLoader.getSystemResourceAsStream(path);
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
