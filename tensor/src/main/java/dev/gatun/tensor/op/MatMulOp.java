package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.util.List;

/**
 * dst[.., M, N] = activation(scale * src[.., M, K] x other) of two activations, where other is [.., K, N],
 * or [.., N, K] if transposed; leading dimensions are equal. For constant weights see {@link LinearOp}.
 *
 * @param transposeOther whether the second operand is stored [.., N, K]
 * @param scale          factor of the product
 * @param activation     applied last
 */
public record MatMulOp(boolean transposeOther, float scale, Activation activation) implements Op {

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        TensorDesc other = inputs.get(1);
        Shape dstShape = resultShape(src.shape(), other.shape());
        TensorDesc dst = TensorDesc.of(DataType.F32, dstShape.dims());
        Attributes attributes = Attributes.create(context.arena());
        if (scale != 1f) {
            attributes.appendEltwise(dev.gatun.bindings.onednn.Algorithms.ELTWISE_LINEAR, scale, 0f);
        }
        activation.appendTo(attributes);
        MemoryDesc weights = weightsDesc(context, other);
        PrimitiveDesc desc = PrimitiveDesc.matmul(context.arena(), src.memoryDesc(context.arena()), weights, null,
                dst.memoryDesc(context.arena()), attributes);
        return OneDnnOp.of(context, desc).input(0, Args.SRC, src).input(1, Args.WEIGHTS, weights).build(dst);
    }

    private MemoryDesc weightsDesc(CompileContext context, TensorDesc other) {
        if (!transposeOther) {
            return other.memoryDesc(context.arena());
        }
        long[] dims = other.shape().dims();
        long[] strides = other.shape().rowMajorStrides();
        swapLast(dims);
        swapLast(strides);
        return MemoryDesc.ofStrides(context.arena(), dims, other.type().oneDnn(), strides);
    }

    private static void swapLast(long[] values) {
        int n = values.length;
        long last = values[n - 1];
        values[n - 1] = values[n - 2];
        values[n - 2] = last;
    }

    private Shape resultShape(Shape a, Shape b) {
        boolean fits = a.rank() == b.rank() && a.rank() >= 2;
        for (int i = 0; fits && i < a.rank() - 2; i++) {
            fits = a.dim(i) == b.dim(i);
        }
        if (!fits) {
            throw new ShapeException("MatMul", "src " + a + ", other " + b + ": leading dimensions differ", a, b);
        }
        long k = b.dim(transposeOther ? -1 : -2);
        if (a.dim(-1) != k) {
            throw new ShapeException("MatMul", "src " + a + ", other " + b + ": K " + a.dim(-1) + " != " + k, a, b);
        }
        long[] dims = a.dims();
        dims[dims.length - 1] = b.dim(transposeOther ? -2 : -1);
        return Shape.of(dims);
    }
}
