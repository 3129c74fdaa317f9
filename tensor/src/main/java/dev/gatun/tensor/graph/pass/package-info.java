/**
 * Passes over graphs, one a file: each computes the same as before, faster or in another precision, and knows no model.
 * {@link dev.gatun.tensor.graph.pass.Passes} says in which order they run. Adding one: the class, its line there, a test that runs a small
 * graph with and without it. Imports {@code graph}, {@code op} and {@code weights}.
 */
package dev.gatun.tensor.graph.pass;
