/**
 * Weights in files: safetensors (one file or shards) and the initializers of ONNX graphs, memory-mapped and checked
 * before anything is read. {@link dev.gatun.models.checkpoint.WeightScope} finds a tensor by its place in the
 * model. Imports {@code dev.gatun.tensor} and parsers only. A new format is one {@code WeightSource}.
 */
package dev.gatun.models.checkpoint;
