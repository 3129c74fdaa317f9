package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Algorithms;
import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.util.Arrays;
import java.util.List;

/**
 * dst = activation(src * factor[c] + offset[c]) for channel c: a batch norm in inference (Ioffe and Szegedy 2015) where it does
 * not follow a convolution that it could be folded into. src F32 [N, C, ...] in any layout; dst likewise, over src's
 * memory where nothing reads it later.
 *
 * @param affine     the batch norm as one factor and one offset for each channel
 * @param activation applied last
 */
public record BatchNormOp(BatchNormFold.Affine affine, Activation activation) implements Op {

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        Shape s = src.shape();
        if (src.type() != DataType.F32 || s.rank() < 2 || s.dim(1) != affine.channels()) {
            throw new ShapeException("BatchNorm", "src " + src + " must be F32 [N, " + affine.channels() + ", ...]", s);
        }
        long[] dims = new long[s.rank()];
        Arrays.fill(dims, 1);
        dims[1] = affine.channels();
        Tensor factor = affine.factor().reshape(dims);
        Tensor offset = affine.offset().reshape(dims);
        MemoryDesc memory = src.memoryDesc(context.arena());
        Attributes attributes = Attributes.create(context.arena());
        int at = attributes.appendBinary(Algorithms.BINARY_ADD, offset.desc().memoryDesc(context.arena()));
        activation.appendTo(attributes);
        PrimitiveDesc desc = PrimitiveDesc.binary(context.arena(), Algorithms.BINARY_MUL, memory,
                factor.desc().memoryDesc(context.arena()), memory, attributes);
        return OneDnnOp.of(context, desc).input(0, Args.SRC, src).constant(Args.SRC_1, factor)
                .constant(Args.binaryPostOp(at), offset).build(src, CompiledOp.Sharing.mayOverwrite(0));
    }
}
