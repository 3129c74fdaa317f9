/**
 * The storey between a network's description and its plans: a {@link dev.gatun.tensor.graph.Graph} of layers over named sizes, made by a
 * {@link dev.gatun.tensor.graph.GraphBuilder}, rewritten by passes, and {@link dev.gatun.tensor.graph.Lowering lowered} to operations with
 * packed weights. Knows no model. A layer with weights is a record here and a line in {@code Lowering}; an operation without weights is
 * applied as it is. Imports {@code op}, {@code weights} and {@code exec}.
 */
package dev.gatun.tensor.graph;
