package dev.gatun.models.layer;

import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.KvLayout;

/**
 * Sizes and kinds of a Transformer decoder's parts that attends to a memory (Vaswani et al. 2017).
 *
 * @param hiddenSize dModel
 * @param numLayers  layers
 * @param numHeads   attention heads
 * @param headDim    elements of a head
 * @param maxLength  tokens of the longest target, its start token included
 * @param maxMemory  rows of the longest memory
 * @param normFirst  whether layers normalize their input rather than their result
 * @param activation of the feed-forward
 */
public record DecoderSpec(int hiddenSize, int numLayers, int numHeads, int headDim, int maxLength, int maxMemory, boolean normFirst,
        Activation activation) {

    /** How keys and values lie in the cache, those of the memory included. */
    public KvLayout cacheLayout() {
        return new KvLayout(numLayers, numHeads, headDim);
    }
}
