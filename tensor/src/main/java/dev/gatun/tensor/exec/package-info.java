/**
 * Compiling and executing: a {@link dev.gatun.tensor.exec.Plan} is compiled once for a shape, an
 * {@link dev.gatun.tensor.exec.ExecutionContext} owns what one caller needs to execute plans. May import
 * {@code dev.gatun.tensor} and the bindings; knows no particular operation.
 */
package dev.gatun.tensor.exec;
