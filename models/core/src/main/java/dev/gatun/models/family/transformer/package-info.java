/**
 * The Transformer of Vaswani et al. (2017): the textbook model over continuous inputs, and token models from sequence to
 * sequence. Weights have the names of PyTorch's {@code nn.Transformer}. {@code TransformerLayers} builds the layers of every
 * model here; what a layer attends to is handed to it, so that a decoder runs over whole sequences or, token by token, over a
 * cache. Imports weights and {@code dev.gatun.models.generate}, which searches with any
 * {@code GenerativeModel}; another architecture implements that interface in a package of its own.
 */
package dev.gatun.models.family.transformer;
