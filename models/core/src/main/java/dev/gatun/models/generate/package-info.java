/**
 * Generating token sequences with any {@code GenerativeModel}: greedy and beam search, sampling, streaming, over a cache of
 * keys and values in shared off-heap blocks. Imports the tensor module only; architectures implement the interface.
 */
package dev.gatun.models.generate;
