package dev.gatun.models.checkpoint;

import java.nio.file.Path;

/** A model file that is missing, damaged, or not what the model needs. The message begins with the file. */
public final class WeightException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Path file;

    /** An error about a file. */
    public WeightException(Path file, String message) {
        super(file + ": " + message);
        this.file = file;
    }

    /** An error about a file, with what the system or a parser said. */
    public WeightException(Path file, String message, Throwable cause) {
        super(file + ": " + message, cause);
        this.file = file;
    }

    /** The file. */
    public Path file() {
        return file;
    }
}
