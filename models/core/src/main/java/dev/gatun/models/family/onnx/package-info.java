/** Text encoders that are ONNX files, run as their graphs say. Imports {@code onnx}, {@code encode} and {@code checkpoint}. */
package dev.gatun.models.family.onnx;
