package dev.gatun.models.image;

import java.io.IOException;
import java.nio.file.Path;

/** A picture that cannot be used. The message begins with the file. */
public final class PictureException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient Path file;

    /** An error about a file. */
    public PictureException(Path file, String message) {
        this(file, message, null);
    }

    /** An error about a file, with what the decoder said. */
    public PictureException(Path file, String message, Throwable cause) {
        super(file + ": " + message, cause);
        this.file = file;
    }

    /** The file. */
    public Path file() {
        return file;
    }
}
