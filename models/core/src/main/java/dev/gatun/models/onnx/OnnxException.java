package dev.gatun.models.onnx;

import java.util.List;

/** An ONNX file that is damaged, asks for what there is not, or cannot be computed with its inputs. The message begins with the file. */
public final class OnnxException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final int LONGEST = 1500;

    private final transient List<String> unsupported;

    /**
     * An error about a file or a node of it.
     *
     * @param where file, and node if there is one
     */
    public OnnxException(String where, String message) {
        this(where, message, null);
    }

    /** The same with what caused it. */
    public OnnxException(String where, String message, Throwable cause) {
        super(where + ": " + limited(message), cause);
        this.unsupported = List.of();
    }

    private OnnxException(String where, List<String> unsupported) {
        super(where + ": " + limited("operators that are missing: " + String.join(", ", unsupported)));
        this.unsupported = List.copyOf(unsupported);
    }

    static OnnxException unsupported(String where, List<String> operators) {
        return new OnnxException(where, operators);
    }

    private static String limited(String message) {
        return message == null || message.length() <= LONGEST ? message : message.substring(0, LONGEST) + "...";
    }

    /** Operators that Gatun lacks, each with its nodes; empty if something else is wrong. */
    public List<String> unsupported() {
        return unsupported;
    }
}
