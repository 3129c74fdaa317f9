package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * Pooling to a given size: window i of a dimension is floor(i * I / O) .. ceil((i + 1) * I / O). src F32 [N, C, H, W] or
 * [N, C, W], in any layout if the sizes divide (a single output for each channel, for one), row-major otherwise.
 *
 * @param maximum    or the mean
 * @param outputSize one number for each spatial dimension
 */
public record AdaptivePoolOp(boolean maximum, long[] outputSize) implements Op {

    /** Checks and copies. */
    public AdaptivePoolOp {
        outputSize = Operands.sizes("AdaptivePool", "output size", outputSize, Window.MAX_SIZE);
    }

    @Override
    public long[] outputSize() {
        return outputSize.clone();
    }

    /** The mean of each channel of pictures: [N, C, H, W] to [N, C, 1, 1]. */
    public static AdaptivePoolOp globalAverage() {
        return new AdaptivePoolOp(false, new long[] {1, 1});
    }

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("AdaptivePool", operands);
        Shape s = src.shape();
        if (src.type() != DataType.F32 || s.rank() != outputSize.length + 2 || s.elementCount() == 0) {
            throw new ShapeException("AdaptivePool", "src " + src + " must be F32 of " + (outputSize.length + 2)
                    + " dimensions, none empty", s);
        }
        long[] dims = s.dims();
        System.arraycopy(outputSize, 0, dims, 2, outputSize.length);
        return List.of(TensorDesc.of(src.type(), dims));
    }
}
