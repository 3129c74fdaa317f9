package dev.gatun.tensor.op;

import dev.gatun.tensor.TensorDesc;
import java.util.List;

/** Refuses wrong numbers of operands. */
final class Operands {
    private Operands() {
    }

    static void count(String op, List<TensorDesc> operands, int expected) {
        if (operands.size() != expected) {
            throw new IllegalArgumentException(op + ": " + operands.size() + " operands, expected " + expected);
        }
    }

    /** The only one. */
    static TensorDesc one(String op, List<TensorDesc> operands) {
        count(op, operands, 1);
        return operands.getFirst();
    }

    /** The first of one or more. */
    static TensorDesc some(String op, List<TensorDesc> operands) {
        if (operands.isEmpty()) {
            throw new IllegalArgumentException(op + ": no operands");
        }
        return operands.getFirst();
    }
}
