package dev.gatun.tensor.graph;

import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * What a node of a graph computes: parameters and weights, no shapes, no native memory. Layers with weights have a record each, which says
 * how they are packed; what has none is an operation, {@link Apply applied}. Passes rewrite layers; {@link Lowering} makes operations of
 * them.
 */
public sealed interface Layer permits Linear, ByteConv, Conv, BatchNorm, LayerNorm, Embedding, Attention, Rotary, QuantizedConv,
        QuantizedLinear, Recurrent, PagedAttention, Apply {

    /** As {@code Linear}, for messages and text. */
    default String kind() {
        return getClass().getSimpleName();
    }

    /**
     * What comes out of operands of these types and shapes; layouts are the kernels' affair, here all are row-major.
     *
     * @throws dev.gatun.tensor.ShapeException if they do not fit
     * @throws IllegalArgumentException        if there are too few or too many
     */
    List<TensorDesc> results(List<TensorDesc> operands);

    /** The parameters, in the order of the record. */
    List<Weight> weights();

    /** What the text form shows beside kind and weights; empty for nothing. */
    default String attributes() {
        return "";
    }

    /** Refuses another number of operands. */
    static void requireCount(String kind, List<?> operands, int expected) {
        if (operands.size() != expected) {
            throw new IllegalArgumentException(kind + ": " + operands.size() + " operands, expected " + expected);
        }
    }
}
