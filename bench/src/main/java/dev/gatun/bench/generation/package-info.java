/**
 * Encoder/decoder Transformers that generate a fixed number of tokens, greedily and with beams: ours, ONNX Runtime with the
 * key/value cache as inputs and outputs, PyTorch through DJL with a cache.
 */
package dev.gatun.bench.generation;
