package dev.gatun.bindings.loader;

/** A native library that cannot be found, trusted or loaded. The message names it and the fix. */
public final class NativeLibraryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** An error without a cause of its own. */
    public NativeLibraryException(String message) {
        super(message);
    }

    /** An error with the reason that the system gave. */
    public NativeLibraryException(String message, Throwable cause) {
        super(message, cause);
    }
}
