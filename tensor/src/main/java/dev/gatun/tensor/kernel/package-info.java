/**
 * How operations are compiled: for oneDNN, OpenBLAS or libgatun. Not exported: what is here reaches native memory and trusts what
 * {@code op} has checked. Imports {@code op}, {@code weights} and the bindings. Adding one: a class and its line in
 * {@link dev.gatun.tensor.kernel.Compiler}.
 */
package dev.gatun.tensor.kernel;
