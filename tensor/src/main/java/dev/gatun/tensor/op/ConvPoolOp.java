package dev.gatun.tensor.op;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.util.List;

/**
 * dst[N, OC, OH / 2, OW / 2] = the largest of each two by two pixels of activation(convolution(src, weights) + bias), in one kernel: a
 * {@link ConvOp} and {@code PoolOp.max(2)} whose result between them is never written. src F32 [N, IC, H, W], row-major of few channels or
 * channels-last, dst channels-last. Only for convolutions that {@link #fuses}; others are refused with a {@link ShapeException}.
 *
 * @param conv without residual
 */
public record ConvPoolOp(ConvOp conv) implements Op {

    /** Whether a kernel of ours computes both at once for such a source. */
    public static boolean fuses(ConvOp conv, TensorDesc src) {
        return GatunConv.pools(conv, src);
    }

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        Shape s = conv.check(inputs);
        if (!fuses(conv, src) || s.dim(2) < 2 || s.dim(3) < 2) {
            throw new ShapeException("ConvPool", "src " + src + ", weights " + conv.weights().shape() + ", " + conv.window()
                    + ": no kernel pools these at once", src.shape(), conv.weights().shape());
        }
        return GatunConv.compilePooled(context, conv, src, Shape.of(s.dim(0), s.dim(1), s.dim(2) / 2, s.dim(3) / 2));
    }
}
