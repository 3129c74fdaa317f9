package dev.gatun.models.layer;

import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.Linear;

/**
 * A decoder from token ids to scores of the next token: what every family's config and tensors come down to.
 *
 * @param spec      sizes
 * @param embedding of target tokens: words, their scale, positions, norm
 * @param layers    and what follows the last
 * @param head      from dModel to the vocabulary
 */
public record TokenDecoder(DecoderSpec spec, Embedding embedding, DecoderWeights layers, Linear head) {
}
