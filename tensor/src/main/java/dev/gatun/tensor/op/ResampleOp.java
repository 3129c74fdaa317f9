package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;
import java.util.Objects;

/**
 * dst = src at another size, as PyTorch's {@code interpolate} without corner alignment and antialiasing. src F32 [N, C, H, W] or
 * [N, C, W] in any layout, row-major for NEAREST by factors that are not whole; dst likewise.
 *
 * @param mode       how values between pixels come about
 * @param outputSize one number for each spatial dimension
 */
public record ResampleOp(Mode mode, long[] outputSize) implements Op {

    /**
     * NEAREST reads floor(o * I / O), NEAREST_EXACT floor((o + 0.5) * I / O); LINEAR weighs the neighbours, pixel centres at
     * half-integers.
     */
    public enum Mode { NEAREST, NEAREST_EXACT, LINEAR }

    /** Checks and copies. */
    public ResampleOp {
        Objects.requireNonNull(mode, "mode");
        outputSize = Operands.sizes("Resample", "output size", outputSize, Window.MAX_SIZE);
    }

    @Override
    public long[] outputSize() {
        return outputSize.clone();
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Resample", operands);
        Shape s = src.shape();
        if (src.type() != DataType.F32 || s.rank() != outputSize.length + 2 || s.elementCount() == 0) {
            throw new ShapeException("Resample", "src " + src + " must be F32 of " + (outputSize.length + 2)
                    + " dimensions, none empty", s);
        }
        long[] dims = s.dims();
        System.arraycopy(outputSize, 0, dims, 2, outputSize.length);
        return List.of(TensorDesc.of(DataType.F32, dims));
    }
}
