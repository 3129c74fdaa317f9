package dev.gatun.models.train;

import dev.gatun.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * A weight that is trained; memory of its trainer.
 *
 * @param name     in the checkpoint
 * @param value    F32
 * @param gradient F32 of the same shape
 * @param state    what the optimizer keeps
 * @param learnt   whether it follows its gradient: running means and variances do not
 */
record Parameter(String name, Tensor value, Tensor gradient, MemorySegment[] state, boolean learnt) {
}
