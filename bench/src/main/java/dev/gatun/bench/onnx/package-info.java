/**
 * Writes ONNX files, so that peers run the same network with the same weights as we do, made when it is measured.
 */
package dev.gatun.bench.onnx;
