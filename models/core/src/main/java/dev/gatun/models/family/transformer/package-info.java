/**
 * The Transformer of Vaswani et al. (2017): the textbook model over continuous inputs, and token models from sequence to sequence. Weights
 * have the names of PyTorch's {@code nn.Transformer}; the blocks are those of {@code layer}. Imports {@code checkpoint}, {@code layer},
 * {@code runtime} and {@code generate}, which searches with any {@code GenerativeModel}; another architecture implements that interface in
 * a package of its own.
 */
package dev.gatun.models.family.transformer;
