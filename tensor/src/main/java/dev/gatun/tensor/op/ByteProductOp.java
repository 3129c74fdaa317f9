package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.weights.LinearWeights;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * dst S32 [M, N] = (src - zero) x (W - zeros of its columns): exact, without scales. src U8 or S8 [M, K], zero one byte of its type, or
 * absent for 0.
 *
 * @param weights bytes, see {@link LinearWeights#packBytes}; the model's
 */
public record ByteProductOp(LinearWeights weights) implements Op {

    /** Refuses weights that are not bytes. */
    public ByteProductOp {
        if (weights.bytes() == null) {
            throw new IllegalArgumentException("ByteProduct: the weights are no bytes");
        }
    }

    @Override
    public List<MemorySegment.Scope> owners() {
        return List.of(weights.owner());
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Operands.count("ByteProduct", operands, operands.size() == 2 ? 2 : 1);
        TensorDesc src = operands.getFirst();
        if (src.type() != DataType.U8 && src.type() != DataType.S8 || src.shape().rank() != 2 || !src.isRowMajor()
                || src.shape().dim(1) != weights.inFeatures()) {
            throw new ShapeException("ByteProduct", "src " + src + " must be row-major U8 or S8 [M, " + weights.inFeatures() + "]",
                    src.shape());
        }
        if (operands.size() == 2 && (operands.get(1).type() != src.type() || operands.get(1).shape().elementCount() != 1)) {
            throw new ShapeException("ByteProduct", "zero " + operands.get(1) + " must be one " + src.type(), operands.get(1).shape());
        }
        return List.of(TensorDesc.of(DataType.S32, src.shape().dim(0), weights.outFeatures()));
    }
}
