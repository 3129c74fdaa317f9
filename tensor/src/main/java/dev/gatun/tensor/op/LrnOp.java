package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * dst = src / (k + alpha / size * sum of squares over size channels around)^beta: local response normalization across
 * channels (Krizhevsky et al. 2012). src F32 [N, C, H, W] or [N, C, W] in any layout, dst likewise.
 *
 * @param size  channels that are summed
 * @param alpha factor
 * @param beta  exponent
 * @param k     constant
 */
public record LrnOp(long size, float alpha, float beta, float k) implements Op {

    /** Checks the size. */
    public LrnOp {
        if (size < 1 || size > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("Lrn: size must be 1 to " + Integer.MAX_VALUE + ", not " + size);
        }
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Lrn", operands);
        if (src.type() != DataType.F32 || src.shape().rank() < 3) {
            throw new ShapeException("Lrn", "src " + src + " must be F32 [N, C, ...]", src.shape());
        }
        return List.of(TensorDesc.of(src.type(), src.shape().dims()));
    }
}
