package dev.gatun.models.hub;

import java.util.regex.Pattern;

/**
 * A model's name on the hub.
 *
 * @param repository {@code owner/name}, or the {@code name} of one without owner
 * @param revision   a branch, a tag or a commit
 */
public record HubName(String repository, String revision) {
    private static final Pattern REPOSITORY = Pattern.compile("([A-Za-z0-9][\\w.-]{0,95}/)?[A-Za-z0-9][\\w.-]{0,95}");
    private static final Pattern REVISION = Pattern.compile("[A-Za-z0-9][\\w.+-]{0,127}(/[A-Za-z0-9][\\w.+-]{0,127}){0,3}");
    private static final String MAIN = "main";

    /** Checks both: they become parts of paths. */
    public HubName {
        if (!isRepository(repository)) {
            throw new IllegalArgumentException(repository
                    + " is not a model's name on the hub, such as sentence-transformers/all-MiniLM-L6-v2");
        }
        if (!REVISION.matcher(revision).matches() || revision.contains("..")) {
            throw new IllegalArgumentException(revision + " is not a branch, a tag or a commit");
        }
    }

    private static boolean isRepository(String text) {
        return REPOSITORY.matcher(text).matches() && !text.contains("--") && !text.contains("..");
    }

    /** Whether a text could be one: {@code owner/name}, or with {@code @revision}. */
    public static boolean looksLike(String text) {
        int at = text.indexOf('@');
        String name = at < 0 ? text : text.substring(0, at);
        return isRepository(name) && (at < 0 || REVISION.matcher(text.substring(at + 1)).matches());
    }

    /** {@code owner/name} or {@code owner/name@revision}. */
    public static HubName parse(String text) {
        int at = text.indexOf('@');
        return at < 0 ? new HubName(text, MAIN) : new HubName(text.substring(0, at), text.substring(at + 1));
    }

    @Override
    public String toString() {
        return revision.equals(MAIN) ? repository : repository + "@" + revision;
    }
}
