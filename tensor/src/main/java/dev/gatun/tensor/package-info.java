/**
 * Shapes, data types, layouts, and tensors as views of off-heap memory. May import the bindings only.
 * A tensor owns nothing; see {@link dev.gatun.tensor.Tensor}.
 */
package dev.gatun.tensor;
