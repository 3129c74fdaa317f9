/**
 * Compiling and executing: a {@link dev.gatun.tensor.exec.Plan} is compiled once for a set of sizes, an
 * {@link dev.gatun.tensor.exec.ExecutionContext} owns what one caller needs to execute plans. Imports {@code op}, {@code kernel} and the
 * bindings; knows no particular operation.
 */
package dev.gatun.tensor.exec;
