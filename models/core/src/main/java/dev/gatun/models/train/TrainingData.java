package dev.gatun.models.train;

import dev.gatun.tensor.Tensor;

/**
 * Examples; views of the caller's memory.
 *
 * @param inputs  F32 [count, ...]
 * @param targets [count, ...], S32 labels or F32 values
 */
public record TrainingData(Tensor inputs, Tensor targets) {
    /** Checks that there are as many of both. */
    public TrainingData {
        if (inputs.shape().rank() < 1 || targets.shape().rank() < 1 || inputs.shape().dim(0) != targets.shape().dim(0)
                || inputs.shape().dim(0) < 1 || inputs.shape().dim(0) > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("inputs " + inputs + ", targets " + targets + ": expected as many of both, one or more, "
                    + "at most 2^31 - 1");
        }
    }

    /** How many examples. */
    public int count() {
        return (int) inputs.shape().dim(0);
    }
}
