package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * dst = exp(src - max) / sum(exp(src - max)) along an axis, or its logarithm; over the source's memory
 * where nothing reads it later.
 *
 * @param axis negative counts from the last
 * @param log  log-softmax
 */
public record SoftmaxOp(int axis, boolean log) implements Op {

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Softmax", operands);
        int rank = src.shape().rank();
        if (src.type() != DataType.F32 || axis < -rank || axis >= rank) {
            throw new ShapeException("Softmax", "src " + src + " must be F32 and have axis " + axis, src.shape());
        }
        return List.of(TensorDesc.of(src.type(), src.shape().dims()));
    }
}
