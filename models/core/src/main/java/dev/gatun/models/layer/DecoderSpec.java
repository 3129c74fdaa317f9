package dev.gatun.models.layer;

import dev.gatun.tensor.DataType;
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
 * @param cache      in what keys and values are kept: F32 or F16
 */
public record DecoderSpec(int hiddenSize, int numLayers, int numHeads, int headDim, int maxLength, int maxMemory, boolean normFirst,
        Activation activation, DataType cache) {

    /** Keys and values are kept in F32. */
    public DecoderSpec(int hiddenSize, int numLayers, int numHeads, int headDim, int maxLength, int maxMemory, boolean normFirst,
            Activation activation) {
        this(hiddenSize, numLayers, numHeads, headDim, maxLength, maxMemory, normFirst, activation, DataType.F32);
    }

    /** The same with keys and values kept in another type. */
    public DecoderSpec withCache(DataType other) {
        return new DecoderSpec(hiddenSize, numLayers, numHeads, headDim, maxLength, maxMemory, normFirst, activation, other);
    }

    /** How keys and values lie in the cache, those of the memory included. */
    public KvLayout cacheLayout() {
        return new KvLayout(numLayers, numHeads, headDim, cache);
    }
}
