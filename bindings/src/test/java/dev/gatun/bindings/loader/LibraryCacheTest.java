package dev.gatun.bindings.loader;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The cache over two small files that stand for libraries ({@code src/test/resources}). */
class LibraryCacheTest {
    @TempDir
    Path temp;

    private static LibraryManifest manifest() throws IOException {
        return LibraryManifest.parse("/dev/gatun/natives/test-cache/", properties().getBytes(StandardCharsets.ISO_8859_1));
    }

    private static String properties() throws IOException {
        try (InputStream in = LibraryCacheTest.class.getResourceAsStream("/dev/gatun/natives/test-cache/libraries.properties")) {
            return new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    private Path root() {
        return temp.resolve("a/b/cache");
    }

    private Path unpack() throws IOException {
        return new LibraryCache(root()).unpack(manifest());
    }

    private NativeLibraryException refused() {
        return assertThrows(NativeLibraryException.class, this::unpack);
    }

    private void assertWhole(Path folder) throws IOException {
        assertEquals("the first library", Files.readString(folder.resolve("libone.so")));
        assertEquals("the second library", Files.readString(folder.resolve("libtwo.so")));
        try (Stream<Path> entries = Files.list(folder.getParent())) {
            assertEquals(List.of(folder), entries.filter(e -> !e.toString().endsWith(".lock")).toList(),
                    "nothing else is left in the cache");
        }
    }

    @Test
    void unpacksPrivatelyUnderTheNameOfTheContent() throws IOException {
        Path folder = unpack();
        assertEquals(root().resolve(manifest().identity()), folder);
        assertWhole(folder);
        for (Path path : List.of(root(), folder, folder.resolve("libone.so"))) {
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)), path.toString());
        }
        Object created = Files.getAttribute(folder.resolve("libone.so"), "unix:ino");
        assertEquals(folder, unpack());
        assertEquals(created, Files.getAttribute(folder.resolve("libone.so"), "unix:ino"), "a whole folder is left alone");
    }

    @Test
    void damageIsReplacedNotLoaded() throws IOException {
        Path folder = unpack();
        Files.writeString(folder.resolve("libone.so"), "the fIrst library");
        assertWhole(unpack());
        Files.delete(folder.resolve("libtwo.so"));
        assertWhole(unpack());
        Files.delete(folder.resolve("libtwo.so"));
        Files.createDirectories(folder.resolve("libtwo.so/inside"));
        assertWhole(unpack());
    }

    @Test
    void whatWasVerifiedAndChangedSinceIsReplaced() throws IOException {
        Path folder = unpack();
        unpack();
        assertTrue(Files.exists(folder.resolve(".verified")));
        FileTime before = Files.getLastModifiedTime(folder.resolve("libone.so"));
        Files.writeString(folder.resolve("libone.so"), "the fIrst library");
        Files.setLastModifiedTime(folder.resolve("libone.so"), before);
        assertWhole(unpack());
        Path swapped = Files.writeString(folder.resolve("other"), "the sEcond library");
        Files.setPosixFilePermissions(swapped, PosixFilePermissions.fromString("rwx------"));
        unpack();
        Files.move(swapped, folder.resolve("libtwo.so"), StandardCopyOption.REPLACE_EXISTING);
        assertWhole(unpack());
    }

    @Test
    void aFileInThePlaceOfTheFolderIsReplaced() throws IOException {
        Files.createDirectories(root());
        Files.writeString(root().resolve(manifest().identity()), "not a folder");
        Files.setPosixFilePermissions(root().resolve(manifest().identity()), PosixFilePermissions.fromString("rw-------"));
        assertWhole(unpack());
    }

    @Test
    void linksAreNotFollowed() throws IOException {
        Path folder = unpack();
        Path elsewhere = temp.resolve("elsewhere.so");
        Files.copy(folder.resolve("libone.so"), elsewhere);
        Files.delete(folder.resolve("libone.so"));
        Files.createSymbolicLink(folder.resolve("libone.so"), elsewhere);
        assertWhole(unpack());
        assertFalse(Files.isSymbolicLink(folder.resolve("libone.so")));
        assertTrue(Files.exists(elsewhere), "the link was deleted, not what it points at");
        Path moved = Files.move(folder, temp.resolve("moved"));
        Files.createSymbolicLink(folder, moved);
        assertTrue(refused().getMessage().contains("may be written by other users"));
    }

    @Test
    void aFolderThatOthersMayWriteIsRefused() throws IOException {
        for (String mode : List.of("rwxrwx---", "rwx----w-")) {
            Path folder = unpack();
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(mode));
            String message = refused().getMessage();
            assertTrue(message.contains(folder.toString()) && message.contains(mode) && message.contains("not loaded"), message);
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        }
    }

    @Test
    void aFolderOfAnotherUserIsRefused() throws IOException {
        assumeTrue(Files.getOwner(temp).getName().equals("root"), "only root can give a folder away");
        Path folder = unpack();
        UserPrincipal nobody = folder.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody");
        Files.setOwner(folder, nobody);
        String message = refused().getMessage();
        assertTrue(message.contains(folder + " belongs to nobody, not to root"), message);
        assertTrue(message.contains("-Dgatun.cache.dir"), message);
    }

    @Test
    void aCacheThatCannotBeWrittenIsNamedWithTheWayOut() throws IOException {
        Files.createDirectories(root().getParent());
        Files.writeString(root(), "a file where the folder should be");
        String message = refused().getMessage();
        assertTrue(message.contains("cannot unpack") && message.contains(root().toString()), message);
        assertTrue(message.contains("-Dgatun.cache.dir=FOLDER"), message);
        assertThrows(NativeLibraryException.class, () -> new LibraryCache(root().resolve("below")).unpack(manifest()));
    }

    @Test
    void whatAKilledProcessLeftIsRemovedAndNothingElse() throws IOException {
        for (boolean unpackedBefore : new boolean[] {false, true}) {
            Files.createDirectories(root().resolve(manifest().identity() + ".123/libone.so"));
            Files.createDirectories(root().resolve("damaged.77"));
            Files.createDirectories(root().resolve("alias.5"));
            assertEquals(unpackedBefore, Files.exists(root().resolve(manifest().identity())));
            assertWhole(unpack());
        }
        Path mine = Files.writeString(root().resolve("notes.txt"), "mine");
        Path other = Files.createDirectories(root().resolve("0123456789abcdef0123"));
        unpack();
        assertTrue(Files.exists(mine) && Files.exists(other));
    }

    @Test
    void whatAnotherProcessIsUnpackingStays() throws Exception {
        unpack();
        Path theirs = Files.createDirectories(root().resolve(manifest().identity() + ".123"));
        try (FileChannel file = FileChannel.open(root().resolve(".lock"), StandardOpenOption.WRITE); FileLock lock = file.lock()) {
            Thread second = Thread.ofPlatform().start(() ->
                    new LibraryCache(root()).unpack(assertDoesNotThrow(LibraryCacheTest::manifest)));
            second.join(200);
            assertTrue(Files.exists(theirs), "nothing is removed while another holds the lock");
            lock.release();
            second.join();
        }
        assertFalse(Files.exists(theirs));
    }

    @Test
    void anotherNameOfALibraryIsShownAndGone() throws IOException {
        Path library = unpack().resolve("libone.so");
        List<Path> shown = new ArrayList<>();
        new LibraryCache(root()).underAnotherName(library, alias -> {
            assertEquals("the first library", assertDoesNotThrow(() -> Files.readString(alias)));
            shown.add(alias);
        });
        assertFalse(Files.exists(shown.getFirst()));
        assertWhole(library.getParent());
    }

    @Test
    void aDamagedJarLeavesNothingBehind() throws IOException {
        String broken = properties().replaceAll("sha256.libtwo.so=..", "sha256.libtwo.so=00");
        LibraryManifest manifest = LibraryManifest.parse("/dev/gatun/natives/test-cache/", broken.getBytes(StandardCharsets.ISO_8859_1));
        NativeLibraryException e = assertThrows(NativeLibraryException.class, () -> new LibraryCache(root()).unpack(manifest));
        assertTrue(e.getMessage().contains("libtwo.so in the native jar is damaged"), e.getMessage());
        LibraryManifest missing = LibraryManifest.parse("/dev/gatun/natives/test-cache/",
                (properties() + "\nsha256.libthree.so=00").getBytes(StandardCharsets.ISO_8859_1));
        e = assertThrows(NativeLibraryException.class, () -> new LibraryCache(root()).unpack(missing));
        assertTrue(e.getMessage().contains("libthree.so is missing from the native jar"), e.getMessage());
        try (Stream<Path> entries = Files.list(root())) {
            assertEquals(0, entries.filter(Files::isDirectory).count());
        }
    }

    @Test
    void manyAtOnceAgree() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            for (int round = 0; round < 20; round++) {
                Callable<Path> start = this::unpack;
                List<Future<Path>> folders = threads.invokeAll(new ArrayList<>(List.of(start, start, start, start, start, start, start,
                        start)));
                for (Future<Path> folder : folders) {
                    assertWhole(folder.get());
                }
                Path folder = folders.getFirst().get();
                try (Stream<Path> files = Files.list(folder)) {
                    for (Path file : (Iterable<Path>) files::iterator) {
                        Files.delete(file);
                    }
                }
                Files.delete(folder);
            }
        }
        assertFalse(Files.exists(root().resolve(manifest().identity()), LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    void manyThatSeeTheSameDamageRepairItOnce() throws Exception {
        for (int round = 0; round < 20; round++) {
            Files.writeString(unpack().resolve("libone.so"), "damaged");
            try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
                List<Callable<Object>> starts = Collections.nCopies(8, () -> Files.getAttribute(unpack().resolve("libone.so"), "unix:ino"));
                Set<Object> seen = new HashSet<>();
                for (Future<Object> start : threads.invokeAll(starts)) {
                    seen.add(start.get());
                }
                assertEquals(1, seen.size(), "nobody's libraries were moved away again");
            }
        }
    }
}
