/** A recurrent layer over a batch of sequences, beside ONNX Runtime's. */
package dev.gatun.bench.recurrent;
