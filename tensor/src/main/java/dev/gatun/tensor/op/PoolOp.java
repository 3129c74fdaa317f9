package dev.gatun.tensor.op;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * dst = the maximum or the mean of each window of src. src F32 [N, C, H, W] or [N, C, W] in any layout, dst in the same.
 *
 * @param kind     maximum, or mean with or without the padding's zeros
 * @param kernel   size of the window, one number for each spatial dimension
 * @param window   strides, dilations (of a maximum only), padding
 * @param ceilMode whether a last window that is partly outside counts, unless it begins beyond input and leading padding
 *                 (PyTorch's rule)
 */
public record PoolOp(Kind kind, long[] kernel, Window window, boolean ceilMode) implements Op {

    /** What is taken of a window; a mean counts the padding in, or only what is inside. */
    public enum Kind { MAX, AVERAGE_WITH_PADDING, AVERAGE }

    /** Checks sizes. */
    public PoolOp {
        Objects.requireNonNull(kind, "kind");
        kernel = Operands.sizes("Pool", "kernel", kernel, Window.MAX_SIZE);
        if (kernel.length != window.rank()) {
            throw new IllegalArgumentException("Pool: kernel " + Arrays.toString(kernel) + " must have " + window.rank() + " sizes");
        }
        if (kind != Kind.MAX && Arrays.stream(window.dilations()).anyMatch(d -> d != 1)) {
            throw new IllegalArgumentException("Pool: a mean has no dilation, found " + window);
        }
        for (int i = 0; i < kernel.length; i++) {
            if (Math.max(window.paddingBegin()[i], window.paddingEnd()[i]) > kernel[i] / 2 || window.paddingEnd()[i] < 0) {
                throw new IllegalArgumentException("Pool: padding of " + window + " must be 0 to half of the kernel "
                        + Arrays.toString(kernel));
            }
        }
    }

    @Override
    public long[] kernel() {
        return kernel.clone();
    }

    /** Over square windows without padding that touch but do not overlap. */
    public static PoolOp max(long size) {
        return new PoolOp(Kind.MAX, new long[] {size, size}, Window.square(size, 0), false);
    }

    /** Whether this is {@link #max} of 2. */
    public boolean isMaxOfTwoByTwo() {
        long[] two = {2, 2};
        return kind == Kind.MAX && !ceilMode && Arrays.equals(kernel, two) && Arrays.equals(window.strides(), two)
                && window.plainPadding() == 0;
    }

    @Override
    public boolean movesData() {
        return true;
    }

    private long outputSize(int i, long input) {
        long floor = window.outputSize(i, input, kernel[i]);
        if (!ceilMode) {
            return floor;
        }
        long room = input + window.paddingBegin()[i] + window.paddingEnd()[i] - window.dilations()[i] * (kernel[i] - 1) - 1;
        long stride = window.strides()[i];
        long ceil = room < 0 ? floor : (room + stride - 1) / stride + 1;
        return (ceil - 1) * stride >= input + window.paddingBegin()[i] ? ceil - 1 : ceil;
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Pool", operands);
        Shape s = src.shape();
        if (s.rank() != window.rank() + 2 || s.elementCount() == 0) {
            throw new ShapeException("Pool", "src " + src + " must have " + (window.rank() + 2) + " dimensions, none empty", s);
        }
        long[] dims = s.dims();
        for (int i = 0; i < kernel.length; i++) {
            dims[2 + i] = outputSize(i, s.dim(2 + i));
            if (dims[2 + i] < 1) {
                throw new ShapeException("Pool", "src " + s + ", kernel " + Arrays.toString(kernel) + ", " + window
                        + ": the window does not fit", s);
            }
        }
        return List.of(TensorDesc.of(src.type(), dims));
    }
}
