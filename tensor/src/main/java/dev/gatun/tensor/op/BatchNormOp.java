package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.weights.BatchNormFold;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * dst = activation(src * factor[c] + offset[c]) for channel c: a batch norm in inference (Ioffe and Szegedy 2015) where it does
 * not follow a convolution that it could be folded into. src F32 [N, C, ...] in any layout; dst likewise, over src's
 * memory where nothing reads it later.
 *
 * @param affine     the batch norm as one factor and one offset for each channel
 * @param activation applied last
 */
public record BatchNormOp(BatchNormFold.Affine affine, Activation activation) implements Op {

    /** Refuses null. */
    public BatchNormOp {
        Objects.requireNonNull(affine, "affine");
        Objects.requireNonNull(activation, "activation");
    }

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public List<MemorySegment.Scope> owners() {
        return Operands.owners(affine.factor(), affine.offset());
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("BatchNorm", operands);
        Shape s = src.shape();
        if (src.type() != DataType.F32 || s.rank() < 2 || s.dim(1) != affine.channels()) {
            throw new ShapeException("BatchNorm", "src " + src + " must be F32 [N, " + affine.channels() + ", ...]", s);
        }
        return List.of(TensorDesc.of(DataType.F32, s.dims()));
    }
}
