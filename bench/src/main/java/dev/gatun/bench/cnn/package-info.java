/**
 * Convolutional networks with weights made from a seed: a safetensors folder for us, an ONNX file for others, the same
 * architecture walked once for each engine.
 */
package dev.gatun.bench.cnn;
