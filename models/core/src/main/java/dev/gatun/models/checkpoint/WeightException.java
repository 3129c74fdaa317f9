package dev.gatun.models.checkpoint;

import java.nio.file.Path;

/** A model file that is missing, damaged, or not what the model needs. The message begins with the file. */
public final class WeightException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private static final int LONGEST = 1500;

    private final transient Path file;

    /** An error about a file. */
    public WeightException(Path file, String message) {
        super(file + ": " + limited(message));
        this.file = file;
    }

    /** An error about a file, with what the system or a parser said. */
    public WeightException(Path file, String message, Throwable cause) {
        super(file + ": " + limited(message), cause);
        this.file = file;
    }

    /** Messages of parsers may quote megabytes. */
    private static String limited(String message) {
        return message == null || message.length() <= LONGEST ? message : message.substring(0, LONGEST) + "...";
    }

    /** The file. */
    public Path file() {
        return file;
    }
}
