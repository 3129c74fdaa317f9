package dev.gatun.models.generate;

/** A model that cannot go on: its scores are not numbers. */
public final class GenerationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int source;
    private final int position;

    /** An error at a position of a source's target. */
    public GenerationException(int source, int position, String message) {
        super("source " + source + ", target position " + position + ": " + message);
        this.source = source;
        this.position = position;
    }

    /** Index of the source. */
    public int source() {
        return source;
    }

    /** Position in the target, start token included. */
    public int position() {
        return position;
    }
}
