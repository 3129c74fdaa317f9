package dev.gatun.tensor.op;

import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * dst = (x - mean(x)) / sqrt(variance(x) + eps) * gamma + beta over the last dimension (Ba et al. 2016), where x is src
 * or, with a second operand, their sum. F32 row-major [.., d]; takes the source's memory where nothing
 * reads it later.
 *
 * @param weights the model's
 */
public record LayerNormOp(LayerNormWeights weights) implements Op {

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        long d = weights.size();
        if (src.type() != DataType.F32 || !src.isRowMajor() || src.shape().rank() == 0 || src.shape().dim(-1) != d) {
            throw new ShapeException("LayerNorm", "src " + src + ", weights [" + d + "]: the last dimension must be " + d,
                    src.shape(), weights.gamma().shape());
        }
        if (inputs.size() > 1 && !inputs.get(1).shape().equals(src.shape())) {
            throw new ShapeException("LayerNorm", "src " + src + ", residual " + inputs.get(1) + ": shapes differ",
                    src.shape(), inputs.get(1).shape());
        }
        long rows = src.shape().elementCount() / Math.max(1, d);
        return new KernelOp("layer_norm", src, CompiledOp.Sharing.mayOverwrite(0), binding -> {
            MemorySegment residual = inputs.size() > 1 ? binding.inputs().get(1).segment() : null;
            return RowKernels.layerNorm(binding.arena(), binding.inputs().get(0).segment(), residual,
                    weights.gamma().segment(), weights.beta().segment(), binding.dst().segment(), rows, d, weights.eps());
        });
    }
}
