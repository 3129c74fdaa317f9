package dev.gatun.bindings.loader;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.FileLockInterruptionException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Unpacks the libraries once into a folder named after their content. A folder appears by one atomic
 * rename, so two JVMs that start together both work; what is in it is trusted only if this user owns
 * it, nobody else may write it, and every checksum holds, or held when the files were last changed.
 */
final class LibraryCache {
    private static final Set<PosixFilePermission> OTHERS_WRITE =
            Set.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

    private static final String LOCK = ".lock";
    private static final String ALIAS = "alias.";
    private static final String VERIFIED = ".verified";
    /** Of install, of moveAside and of underAnotherName, with the number that the JDK appends. */
    private static final Pattern LEFTOVER = Pattern.compile("([0-9a-f]{20}|damaged|alias)\\.\\d+");

    private final Path root;
    private boolean mayRemove = true;

    LibraryCache(Path root) {
        this.root = root;
    }

    /** {@code gatun.cache.dir}, else the user's cache folder. */
    static Path defaultRoot() {
        if (Setting.CACHE_DIR.isSet()) {
            return Path.of(Setting.CACHE_DIR.text());
        }
        String xdg = System.getenv("XDG_CACHE_HOME");
        return xdg != null && !xdg.isBlank() && Path.of(xdg).isAbsolute()
                ? Path.of(xdg, "gatun")
                : Path.of(System.getProperty("user.home", "."), ".cache", "gatun");
    }

    /** The folder with every file of the manifest in it, verified. */
    Path unpack(LibraryManifest manifest) {
        Path folder = root.resolve(manifest.identity());
        try {
            createPrivate(root);
            if (!whole(folder, manifest) || hasLeftovers()) {
                locked(() -> {
                    removeLeftovers();
                    if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS) && !intact(folder, manifest)) {
                        moveAside(folder);
                    }
                    if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
                        install(folder, manifest);
                    }
                    return folder;
                });
            }
            return folder;
        } catch (FileSystemException e) {
            throw new NativeLibraryException("cannot unpack the native libraries into " + folder + ": " + reason(e)
                    + "; make it writable or choose another folder with -Dgatun.cache.dir=FOLDER", e);
        } catch (IOException e) {
            throw new NativeLibraryException("cannot unpack the native libraries into " + folder + ": " + e.getMessage(), e);
        }
    }

    /** What may touch the cache's folders. */
    interface Change<T> {
        T run() throws IOException;
    }

    /** One at a time: the next to see the same damage would move the repaired folder aside, from under those that load it. */
    private <T> T locked(Change<T> change) throws IOException {
        synchronized (LibraryCache.class) {
            try (FileChannel file = FileChannel.open(root.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                FileLock lock = lock(file);
                try {
                    return change.run();
                } finally {
                    if (lock != null) {
                        lock.release();
                    }
                }
            }
        }
    }

    /** Null where the file system has no locks: then an atomic rename decides who was first, and nothing of others is removed. */
    private FileLock lock(FileChannel file) throws IOException {
        while (true) {
            try {
                return file.lock();
            } catch (OverlappingFileLockException anotherClassLoader) {
                LockSupport.parkNanos(1_000_000);
            } catch (FileLockInterruptionException e) {
                throw e;
            } catch (IOException unsupported) {
                mayRemove = false;
                return null;
            }
        }
    }

    /** A process that was killed while it unpacked left its folder; nobody else has one while the lock is held. */
    private void removeLeftovers() throws IOException {
        if (mayRemove) {
            for (Path leftover : leftovers()) {
                deleteTree(leftover);
            }
        }
    }

    private boolean hasLeftovers() throws IOException {
        return mayRemove && Files.isWritable(root) && !leftovers().isEmpty();
    }

    private List<Path> leftovers() throws IOException {
        try (Stream<Path> entries = Files.list(root)) {
            return entries.filter(entry -> LEFTOVER.matcher(entry.getFileName().toString()).matches()).toList();
        }
    }

    /**
     * Lets something see a library under another name, as a JVM wants it that has loaded it in another class loader; the name is
     * gone afterwards.
     */
    void underAnotherName(Path library, Consumer<Path> loads) {
        try {
            createPrivate(root);
            locked(() -> {
                Path folder = Files.createTempDirectory(root, ALIAS);
                try {
                    Path alias = folder.resolve(library.getFileName());
                    try {
                        Files.createLink(alias, library);
                    } catch (IOException | UnsupportedOperationException e) {
                        Files.copy(library, alias);
                    }
                    loads.accept(alias);
                } finally {
                    deleteTree(folder);
                }
                return null;
            });
        } catch (IOException e) {
            throw new NativeLibraryException(library + " is loaded in another class loader of this JVM, and " + root
                    + " does not let Gatun give it "
                    + "another name (" + e.getMessage() + "): name a writable folder with -Dgatun.cache.dir=FOLDER, or put Gatun and the "
                            + "tokenizers "
                    + "library into a class loader that all share", e);
        }
    }

    private static String reason(FileSystemException e) {
        return e.getReason() != null ? e.getReason() : e.getClass().getSimpleName() + " " + e.getMessage();
    }

    /** Whether the folder is ours and intact; another process may be moving it aside just now. */
    private static boolean whole(Path folder, LibraryManifest manifest) throws IOException {
        if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        try {
            requireOwn(folder);
            return intact(folder, manifest);
        } catch (NoSuchFileException moved) {
            return false;
        }
    }

    private void install(Path folder, LibraryManifest manifest) throws IOException {
        Path temporary = Files.createTempDirectory(root, manifest.identity() + ".");
        try {
            for (Map.Entry<String, String> file : manifest.checksums().entrySet()) {
                copy(manifest, file.getKey(), file.getValue(), temporary);
            }
            publish(temporary, folder, manifest);
        } finally {
            deleteTree(temporary);
        }
    }

    private static void copy(LibraryManifest manifest, String name, String checksum, Path folder) throws IOException {
        MessageDigest digest = LibraryManifest.sha256();
        Path file = folder.resolve(name);
        try (InputStream in = new DigestInputStream(manifest.open(name), digest); OutputStream out = Files.newOutputStream(file)) {
            in.transferTo(out);
        }
        String found = LibraryManifest.hex(digest.digest());
        if (!found.equals(checksum)) {
            throw new IOException(name + " in " + manifest.jar() + " is damaged: SHA-256 " + found + ", expected " + checksum);
        }
        if (posix(folder)) {
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
        }
    }

    private void publish(Path temporary, Path folder, LibraryManifest manifest) throws IOException {
        try {
            Files.move(temporary, folder, StandardCopyOption.ATOMIC_MOVE);
        } catch (FileAlreadyExistsException | DirectoryNotEmptyException | AtomicMoveNotSupportedException lost) {
            requireWinner(folder, manifest, lost);
        } catch (FileSystemException e) {
            // The JDK reports a non-empty target as a plain FileSystemException on some file systems.
            if (!Files.isDirectory(folder)) {
                throw e;
            }
            requireWinner(folder, manifest, e);
        }
    }

    /** Another JVM was first: its folder must be as good as ours. */
    private void requireWinner(Path folder, LibraryManifest manifest, IOException lost) throws IOException {
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            throw lost;
        }
        requireOwn(folder);
        if (!intact(folder, manifest)) {
            throw new IOException("another process left damaged libraries there; delete the folder and start again");
        }
    }

    private void moveAside(Path folder) throws IOException {
        Path aside = Files.createTempDirectory(root, "damaged.");
        Files.delete(aside);
        try {
            Files.move(folder, aside, StandardCopyOption.ATOMIC_MOVE);
        } catch (NoSuchFileException e) {
            return; // another process, which saw the same damage, was first
        }
        deleteTree(aside);
    }

    /** What was verified is not read again for as long as the system says that nobody has touched it. */
    private static boolean intact(Path folder, LibraryManifest manifest) throws IOException {
        String state = state(folder, manifest);
        Path stamp = folder.resolve(VERIFIED);
        if (!state.isEmpty() && Files.isRegularFile(stamp, LinkOption.NOFOLLOW_LINKS) && Files.readString(stamp).equals(state)) {
            return true;
        }
        if (!matches(folder, manifest)) {
            return false;
        }
        try {
            if (!state.isEmpty() && state.equals(state(folder, manifest))) {
                Files.writeString(stamp, state);
            }
        } catch (IOException readOnly) {
            // The next start reads them again.
        }
        return true;
    }

    /** Sizes, and times of the last change, which nobody can set; empty where the system has none, or a file is missing. */
    private static String state(Path folder, LibraryManifest manifest) throws IOException {
        if (!folder.getFileSystem().supportedFileAttributeViews().contains("unix")) {
            return "";
        }
        StringBuilder state = new StringBuilder();
        for (String name : manifest.checksums().keySet()) {
            Path file = folder.resolve(name);
            if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                return "";
            }
            requireOwn(file);
            Map<String, Object> facts = Files.readAttributes(file, "unix:size,ctime,ino,dev", LinkOption.NOFOLLOW_LINKS);
            state.append(name).append(' ').append(new TreeMap<>(facts)).append('\n');
        }
        return state.toString();
    }

    private static boolean matches(Path folder, LibraryManifest manifest) throws IOException {
        for (Map.Entry<String, String> entry : manifest.checksums().entrySet()) {
            Path file = folder.resolve(entry.getKey());
            if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                return false;
            }
            requireOwn(file);
            if (!checksum(file).equals(entry.getValue())) {
                return false;
            }
        }
        return true;
    }

    private static String checksum(Path file) throws IOException {
        MessageDigest digest = LibraryManifest.sha256();
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n; (n = in.read(buffer)) >= 0; ) {
                digest.update(buffer, 0, n);
            }
        }
        return LibraryManifest.hex(digest.digest());
    }

    private void createPrivate(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            return;
        }
        FileAttribute<?>[] mode = posix(existingAncestor(directory))
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))}
                : new FileAttribute<?>[0];
        Files.createDirectories(directory, mode);
    }

    private static Path existingAncestor(Path path) {
        Path p = path.toAbsolutePath();
        while (p != null && !Files.exists(p)) {
            p = p.getParent();
        }
        return p == null ? path.toAbsolutePath().getRoot() : p;
    }

    private static void requireOwn(Path path) throws IOException {
        if (!posix(path)) {
            return;
        }
        PosixFileAttributes attributes =
                Files.readAttributes(path, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        String user = currentUser();
        if (!attributes.owner().getName().equals(user)) {
            throw new NativeLibraryException(path + " belongs to " + attributes.owner().getName() + ", not to " + user
                    + ": not loaded; delete it or choose another folder with -Dgatun.cache.dir=FOLDER");
        }
        if (attributes.permissions().stream().anyMatch(OTHERS_WRITE::contains)) {
            throw new NativeLibraryException(path + " may be written by other users (mode "
                    + PosixFilePermissions.toString(attributes.permissions()) + "): not loaded; expected rwx------");
        }
    }

    /** Containers run under ids that have no name; the system still knows whose process this is. */
    private static String currentUser() throws IOException {
        Path self = Path.of("/proc/self");
        return Files.exists(self) ? Files.getOwner(self).getName() : System.getProperty("user.name");
    }

    private static boolean posix(Path path) {
        return path.getFileSystem().supportedFileAttributeViews().contains("posix");
    }

    private static void deleteTree(Path path) throws IOException {
        if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
            try (Stream<Path> entries = Files.list(path)) {
                for (Path entry : (Iterable<Path>) entries::iterator) {
                    deleteTree(entry);
                }
            }
        }
        Files.deleteIfExists(path);
    }
}
