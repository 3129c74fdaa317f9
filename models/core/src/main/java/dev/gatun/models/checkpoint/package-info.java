/**
 * Models in files. A {@link dev.gatun.models.checkpoint.Checkpoint} is a folder with config, labels, tokenizer and weights: safetensors
 * (one file or shards) or the initializers of an ONNX graph, read tensor by tensor, never mapped, everything checked before it is followed.
 * {@link dev.gatun.models.checkpoint.WeightScope} finds a tensor by its place in the model,
 * {@link dev.gatun.models.checkpoint.Families} finds who loads it. Imports {@code dev.gatun.tensor} and parsers only. A new format is one
 * {@code WeightSource} and a line in {@code WeightFiles}.
 */
package dev.gatun.models.checkpoint;
