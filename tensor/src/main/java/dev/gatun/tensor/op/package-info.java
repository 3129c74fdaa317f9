/**
 * Operations, one a file: a validated parameter record that compiles itself for given inputs. May import
 * {@code dev.gatun.tensor}, {@code .exec} and the bindings; operations do not know each other, except
 * for the small vocabulary they share ({@code Activation}). Adding one: symbols in
 * {@code bindings/jextract} if it needs new ones, {@code FooOp}, a plain-loop reference in the tests, a benchmark.
 */
package dev.gatun.tensor.op;
