package dev.gatun.models.train;

/** Training cannot go on: says at which step, and why. */
public final class TrainingException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** @param message step, layer, and what was found */
    public TrainingException(String message) {
        super(message);
    }
}
