/**
 * Generating token sequences with any {@code GenerativeModel}: greedy and beam search, sampling, streaming, over a cache of
 * keys and values in shared off-heap blocks. Rules about scores are in {@code logits}, cuts of sampling in {@code sample}. Imports
 * {@code runtime}, {@code checkpoint} and the tensor module; architectures implement the interface.
 */
package dev.gatun.models.generate;
