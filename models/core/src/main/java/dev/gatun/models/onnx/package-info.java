/**
 * Any ONNX file: read, checked, its constants folded, and run operator by operator over off-heap tensors; the heavy operators call
 * Gatun's compiled operations. May import {@code dev.gatun.tensor} and below. A new operator is a line in the table of its family's file
 * ({@code *Ops}); each family registers itself in {@link dev.gatun.models.onnx.Operators}.
 */
package dev.gatun.models.onnx;
