package dev.gatun.tensor;

import java.util.List;

/** Operands that do not fit together. Carries the operation and the shapes. */
public final class ShapeException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final String op;
    private final transient List<Shape> shapes;

    /**
     * An error that reads {@code MatMul: src [8, 128], weights [64, 96]: K 128 != 96}.
     *
     * @param message operands and what is wrong with them
     * @param shapes  the shapes that the message names
     */
    public ShapeException(String op, String message, Shape... shapes) {
        super(op + ": " + message);
        this.op = op;
        this.shapes = List.of(shapes);
    }

    private ShapeException(String where, ShapeException cause) {
        super(where + ": " + cause.getMessage(), cause);
        this.op = cause.op;
        this.shapes = cause.shapes;
    }

    /** The same, with where it happened in front of the message. */
    public ShapeException at(String where) {
        return new ShapeException(where, this);
    }

    /** Name of the operation that refused. */
    public String op() {
        return op;
    }

    /** Shapes of the operands. */
    public List<Shape> shapes() {
        return shapes;
    }
}
