package dev.gatun.models.hub;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The local cache of the Hugging Face hub, as {@code huggingface_hub} lays it out: {@code models--OWNER--NAME} with {@code refs/REVISION},
 * which holds a commit, {@code snapshots/COMMIT} with links, and {@code blobs}. It is read only. Immutable.
 *
 * @param folder {@code HF_HUB_CACHE}, else {@code hub} in {@code HF_HOME}, else in {@code XDG_CACHE_HOME/huggingface} or
 *               {@code ~/.cache/huggingface}
 */
public record HubCache(Path folder) {
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final int LONGEST_REFERENCE = 256;

    /** The cache of this process's user. */
    public static HubCache ofUser() {
        return of(System.getenv(), System.getProperty("user.home", "."));
    }

    /** The cache that an environment names. */
    public static HubCache of(Map<String, String> environment, String home) {
        String hub = environment.getOrDefault("HF_HUB_CACHE", environment.getOrDefault("HUGGINGFACE_HUB_CACHE", ""));
        return new HubCache(hub.isBlank() ? home(environment, home).resolve("hub") : expanded(hub, home));
    }

    /** Where the hub's own tools keep everything, the token among it. */
    public static Path home(Map<String, String> environment, String home) {
        String own = environment.getOrDefault("HF_HOME", "");
        String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
        return !own.isBlank() ? expanded(own, home)
                : (xdg.isBlank() ? Path.of(home, ".cache") : expanded(xdg, home)).resolve("huggingface");
    }

    private static Path expanded(String path, String home) {
        return path.equals("~") ? Path.of(home) : path.startsWith("~/") ? Path.of(home, path.substring(2)) : Path.of(path);
    }

    /** A model's own folder, which need not exist. */
    public Path repository(HubName name) {
        return folder.resolve("models--" + name.repository().replace("/", "--"));
    }

    /**
     * The folder of a model's files.
     *
     * @return null if this revision of the model is not here
     * @throws UncheckedIOException if its reference cannot be read
     */
    public Path find(HubName name) {
        Path repository = repository(name);
        String commit = name.revision();
        Path reference = repository.resolve("refs").resolve(name.revision());
        try {
            if (Files.isRegularFile(reference) && Files.size(reference) <= LONGEST_REFERENCE) {
                commit = Files.readString(reference).strip();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(reference + ": cannot be read", e);
        }
        if (!COMMIT.matcher(commit).matches()) {
            return null;
        }
        Path snapshot = repository.resolve("snapshots").resolve(commit);
        return Files.isDirectory(snapshot) ? snapshot : null;
    }
}
