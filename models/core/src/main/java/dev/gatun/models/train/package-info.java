/**
 * Training on the CPU: a graph is differentiated layer by layer, products are our own packed ones, updates are PyTorch's. Parameters,
 * gradients and optimizer states are off-heap. Imports {@code checkpoint} and the graph; a layer has a rule that computes it and its
 * gradients.
 */
package dev.gatun.models.train;
