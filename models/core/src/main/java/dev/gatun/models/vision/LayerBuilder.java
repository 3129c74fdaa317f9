package dev.gatun.models.vision;

import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.Window;

/**
 * Adds layers to one plan, each with the weights of its name: an architecture says what is connected, this says in which
 * arithmetic it is computed.
 */
public interface LayerBuilder {

    /** A convolution with bias. */
    Value conv(String name, Value x, Window window, Activation activation);

    /** A convolution with bias, to which a residual is added before the activation; the residual's memory is overwritten. */
    Value convSum(String name, Value x, Value residual, Window window, Activation activation);

    /** A convolution with bias, and the largest of each two by two of its pixels. */
    default Value convPool(String name, Value x, Window window, Activation activation) {
        return pool(PoolOp.max(2), conv(name, x, window, activation));
    }

    /** A pooling that keeps the arithmetic. */
    Value pool(PoolOp op, Value x);

    /** The value as F32. */
    Value plain(Value x);

    /** A linear layer over row-major F32, with an F32 result. */
    Value linear(String name, Value rows, Activation activation);
}
