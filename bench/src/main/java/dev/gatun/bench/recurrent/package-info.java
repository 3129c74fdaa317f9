/** A recurrent layer over a batch of sequences, beside ONNX Runtime's and PyTorch's. */
package dev.gatun.bench.recurrent;
