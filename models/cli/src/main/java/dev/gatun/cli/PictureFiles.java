package dev.gatun.cli;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/** Pictures by file, folder or glob. */
final class PictureFiles {
    private static final Set<String> EXTENSIONS = Set.of("jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff");

    private PictureFiles() {
    }

    /**
     * The pictures that are meant: a file as it is, of a folder all pictures below it in the order of their names, of a glob
     * the files that match. What does not exist is kept, to be reported with the other bad pictures.
     */
    static List<Path> find(List<String> arguments) throws IOException {
        List<Path> found = new ArrayList<>();
        for (String argument : arguments) {
            boolean glob = argument.chars().anyMatch(c -> c == '*' || c == '?' || c == '[' || c == '{');
            if (glob) {
                matching(argument, found);
            } else if (Files.isDirectory(Path.of(argument))) {
                below(Path.of(argument), found);
            } else {
                found.add(Path.of(argument));
            }
        }
        return found;
    }

    private static void below(Path folder, List<Path> found) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            files.filter(Files::isRegularFile).filter(PictureFiles::looksLikePicture).sorted().forEach(found::add);
        }
    }

    private static void matching(String glob, List<Path> found) throws IOException {
        int special = 0;
        while ("*?[{".indexOf(glob.charAt(special)) < 0) {
            special++;
        }
        int slash = glob.lastIndexOf('/', special);
        Path root = Path.of(slash < 0 ? "." : slash == 0 ? "/" : glob.substring(0, slash));
        if (!Files.isDirectory(root)) {
            throw new IOException(root + ": is not a folder");
        }
        PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + glob.substring(slash + 1));
        int before = found.size();
        try (Stream<Path> files = Files.walk(root)) {
            files.filter(Files::isRegularFile).filter(file -> matcher.matches(root.relativize(file))).sorted().forEach(found::add);
        }
        if (found.size() == before) {
            throw new IOException(glob + ": matches no file");
        }
    }

    private static boolean looksLikePicture(Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        return EXTENSIONS.contains(name.substring(name.lastIndexOf('.') + 1));
    }
}
