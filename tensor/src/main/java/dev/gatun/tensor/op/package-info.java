/**
 * Operations, one a file: a record of parameters, its checks, and the types and shapes of its results. Imports {@code weights} and the
 * vocabulary of the bindings; operations do not know each other, except for what they share ({@code Activation}, {@code Window}). Adding
 * one: the record, a line in {@link dev.gatun.tensor.op.Op}'s permits, its kernel, a test against plain loops in double.
 */
package dev.gatun.tensor.op;
