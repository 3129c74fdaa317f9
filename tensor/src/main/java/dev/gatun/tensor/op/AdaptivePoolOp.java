package dev.gatun.tensor.op;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.util.Arrays;
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
        if (outputSize.length < 1 || outputSize.length > 2 || Arrays.stream(outputSize).anyMatch(o -> o < 1)) {
            throw new IllegalArgumentException("AdaptivePool: output size " + Arrays.toString(outputSize)
                    + " must have one or two sizes of 1 or more");
        }
        outputSize = outputSize.clone();
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
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        Shape s = src.shape();
        if (s.rank() != outputSize.length + 2 || s.elementCount() == 0) {
            throw new ShapeException("AdaptivePool", "src " + s + " must have " + (outputSize.length + 2)
                    + " dimensions, none empty", s);
        }
        long[] dims = s.dims();
        long[] kernel = new long[outputSize.length];
        boolean divides = true;
        for (int i = 0; i < kernel.length; i++) {
            divides &= dims[2 + i] % outputSize[i] == 0;
            kernel[i] = dims[2 + i] / outputSize[i];
            dims[2 + i] = outputSize[i];
        }
        if (!divides) {
            return PlainPool.ofAdaptive(maximum, src, Shape.of(dims));
        }
        long[] none = new long[kernel.length];
        long[] dense = new long[kernel.length];
        Arrays.fill(dense, 1);
        PoolOp pool = new PoolOp(maximum ? PoolOp.Kind.MAX : PoolOp.Kind.AVERAGE, kernel,
                new Window(kernel, dense, none, none), false);
        return pool.compile(context, inputs);
    }
}
