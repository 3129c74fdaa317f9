package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** Refuses operands that do not fit. */
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

    /** Whether an operand is row-major, of a type, and has so many elements, in whatever dimensions. */
    static boolean isList(TensorDesc desc, DataType type, long elements) {
        return desc.type() == type && desc.isRowMajor() && desc.shape().elementCount() == elements;
    }

    /** How many sequences there may be: the operand is S32 [2 + maxSequences]. */
    static long maxSequences(String op, TensorDesc sequences) {
        Shape s = sequences.shape();
        if (sequences.type() != DataType.S32 || s.rank() != 1 || s.dim(0) < 2) {
            throw new ShapeException(op, "sequences " + sequences + " must be S32 [2 + maxSequences]", s);
        }
        return s.dim(0) - 2;
    }

    /** Sizes from 1 to a limit, as many as there are spatial dimensions; a copy. */
    static long[] sizes(String op, String name, long[] sizes, long limit) {
        if (sizes.length < 1 || sizes.length > 2 || Arrays.stream(sizes).anyMatch(s -> s < 1 || s > limit)) {
            throw new IllegalArgumentException(op + ": " + name + " " + Arrays.toString(sizes) + " must have one or two sizes of 1 to "
                    + limit);
        }
        return sizes.clone();
    }

    /** The owners of some tensors, of which any may be null. */
    static List<MemorySegment.Scope> owners(Tensor... tensors) {
        return Stream.of(tensors).filter(Objects::nonNull).map(t -> t.segment().scope()).distinct().toList();
    }
}
