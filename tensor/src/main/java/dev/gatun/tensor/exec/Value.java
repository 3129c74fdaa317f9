package dev.gatun.tensor.exec;

import dev.gatun.tensor.TensorDesc;

/**
 * An activation while a plan is built: an input, or the result of an operation.
 *
 * @param id   position in the plan
 * @param desc type, shape and layout
 */
public record Value(int id, TensorDesc desc) {
}
