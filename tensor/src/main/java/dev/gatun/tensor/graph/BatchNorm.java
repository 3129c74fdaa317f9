package dev.gatun.tensor.graph;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * A batch norm in inference: scale * (src - mean) / sqrt(variance + epsilon) + shift for each channel (Ioffe and Szegedy 2015). src F32
 * [N, C, ...].
 *
 * @param scale    [C]
 * @param shift    [C]
 * @param mean     running mean [C]
 * @param variance running variance [C]
 * @param epsilon  added to the variance
 */
public record BatchNorm(Weight scale, Weight shift, Weight mean, Weight variance, double epsilon) implements Layer {

    /** Checks the shapes. */
    public BatchNorm {
        for (Weight w : new Weight[] {scale, shift, mean, variance}) {
            if (w.shape().elementCount() != mean.shape().elementCount()) {
                throw new ShapeException("BatchNorm", "mean " + mean + ", another parameter " + w + ": both must be [C]", mean.shape(),
                        w.shape());
            }
        }
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Layer.requireCount("BatchNorm", operands, 1);
        TensorDesc src = operands.getFirst();
        if (src.type() != DataType.F32 || src.shape().rank() < 2 || src.shape().dim(1) != mean.shape().elementCount()) {
            throw new ShapeException("BatchNorm", "src " + src + ", mean " + mean + ": src must be F32 [N, C, ...]", src.shape(),
                    mean.shape());
        }
        return List.of(TensorDesc.of(DataType.F32, src.shape().dims()));
    }

    @Override
    public List<Weight> weights() {
        return List.of(scale, shift, mean, variance);
    }

    @Override
    public String attributes() {
        return " eps " + epsilon;
    }
}
