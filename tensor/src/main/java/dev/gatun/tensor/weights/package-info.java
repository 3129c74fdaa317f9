/**
 * Weights as the kernels want them: packed once, in the arena of whoever loads them, immutable afterwards. Imports the tensors and the
 * bindings. Adding one: a class that packs, its bytes counted, its owner said in its Javadoc.
 */
package dev.gatun.tensor.weights;
