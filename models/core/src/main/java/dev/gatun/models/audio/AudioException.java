package dev.gatun.models.audio;

import java.io.IOException;
import java.nio.file.Path;

/** Audio that cannot be used. The message begins with the file, where there is one. */
public final class AudioException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient Path file;

    /** An error about a file; null for audio that does not come from one. */
    public AudioException(Path file, String message) {
        this(file, message, null);
    }

    /** An error about a file, with what the decoder said. */
    public AudioException(Path file, String message, Throwable cause) {
        super((file == null ? "audio" : file) + ": " + message, cause);
        this.file = file;
    }

    /** The file, or null. */
    public Path file() {
        return file;
    }
}
