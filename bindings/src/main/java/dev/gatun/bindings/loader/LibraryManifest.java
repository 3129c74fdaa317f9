package dev.gatun.bindings.loader;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * The list of one platform's libraries, {@code libraries.properties} in the native jar.
 *
 * @param folder     resource folder, ends with a slash
 * @param identity   hash of the list itself: names the cache folder
 * @param libraries  library name to file name
 * @param checksums  file name to SHA-256, every file of the jar
 */
record LibraryManifest(String folder, String identity, Map<String, String> libraries, Map<String, String> checksums) {

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
        for (String key : properties.stringPropertyNames()) {
            if (key.startsWith("library.")) {
                libraries.put(key.substring("library.".length()), properties.getProperty(key));
            } else if (key.startsWith("sha256.")) {
                checksums.put(key.substring("sha256.".length()), properties.getProperty(key));
            }
        }
        return new LibraryManifest(folder, hex(sha256().digest(bytes)).substring(0, 20), libraries, checksums);
    }

    /** A file of this platform; the caller closes it. */
    InputStream open(String file) throws IOException {
        InputStream in = resource(folder + file);
        if (in == null) {
            throw new IOException(folder + file + " is missing from the native jar");
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
