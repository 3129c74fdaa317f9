package dev.gatun.models.checkpoint;

import dev.gatun.models.hub.HubCache;
import dev.gatun.models.hub.HubName;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** What a user means by a model's path: a file or folder, or a model of that name in the local cache of the Hugging Face hub. */
public final class ModelPath {
    private ModelPath() {
    }

    /**
     * Looks in the cache of this process's user.
     *
     * @param path what exists, or {@code owner/name}, or {@code owner/name@revision}
     * @return the path itself if it exists or is not a name
     * @throws WeightException if it is a name, and neither a path nor in the cache; says how to get it there
     */
    public static Path resolve(Path path) {
        return resolve(path, HubCache.ofUser());
    }

    /** The same with another cache. */
    public static Path resolve(Path path, HubCache cache) {
        String text = path.toString();
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) || !HubName.looksLike(text)) {
            return path;
        }
        Path found = cache.find(HubName.parse(text));
        if (found == null && text.contains("/")) {
            throw new WeightException(path, "does not exist, and no model of this name is in " + cache.folder()
                    + "; a folder, a file of weights, or a "
                    + "model that \"gatun pull " + text.replace("@", " --revision ") + "\" has downloaded is expected");
        }
        return found == null ? path : found;
    }
}
