package dev.gatun.tensor.exec;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.ByteConvOp;
import dev.gatun.tensor.op.ConvOp;
import dev.gatun.tensor.op.ConvPoolOp;
import dev.gatun.tensor.op.ConvTransposeOp;
import dev.gatun.tensor.op.Int8ConvOp;
import dev.gatun.tensor.op.Int8LinearOp;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.op.MatMulOp;
import dev.gatun.tensor.op.Op;
import java.util.List;

/**
 * What an operation takes at least, for profiles.
 *
 * @param flops additions and multiplications of products; attention's as if all rows were one sequence; 0 of what has no products
 * @param bytes of operands, weights and results, each once
 */
record Cost(long flops, long bytes) {
    static final Cost NONE = new Cost(0, 0);

    static Cost of(Op op, List<TensorDesc> inputs, List<TensorDesc> results) {
        long moved = inputs.stream().mapToLong(TensorDesc::byteSize).sum() + results.stream().mapToLong(TensorDesc::byteSize).sum();
        Shape dst = results.getFirst().shape();
        long elements = dst.elementCount();
        // Everything else moves bytes, or computes little for each.
        return switch (op) {
            case LinearOp linear -> new Cost(2 * elements * linear.weights().inFeatures(), moved + linear.weights().nativeByteSize());
            case Int8LinearOp linear -> conv(elements, linear.weights().shape(), moved, 1);
            case MatMulOp matMul -> new Cost(2 * elements * inputs.getFirst().shape().dim(-1), moved);
            case ConvOp conv -> conv(elements, conv.weights().shape(), moved, Float.BYTES);
            case ConvPoolOp conv -> conv(4 * elements, conv.conv().weights().shape(), moved, Float.BYTES);
            case ConvTransposeOp conv -> conv(inputs.getFirst().shape().elementCount(), conv.weights().shape(), moved, Float.BYTES);
            case Int8ConvOp conv -> conv(elements, conv.weights().shape(), moved, 1);
            case ByteConvOp conv -> conv(elements, conv.filters().shape(), moved, 1);
            case AttentionOp attention -> new Cost(4 * elements * dst.dim(0), moved);
            default -> new Cost(0, moved);
        };
    }

    /** Each element of the result takes a product with one filter of the weights, which come first in their shape. */
    private static Cost conv(long elements, Shape weights, long moved, int weightBytes) {
        long count = weights.elementCount();
        return new Cost(2 * elements * (count / weights.dim(0)), moved + count * weightBytes);
    }
}
