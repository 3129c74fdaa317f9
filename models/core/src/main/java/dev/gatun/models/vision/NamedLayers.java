package dev.gatun.models.vision;

import dev.gatun.tensor.op.ConvWeights;
import dev.gatun.tensor.op.LinearWeights;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The layers of a network as a checkpoint stores them, batch norms folded, under the names of their first tensors. Shows memory
 * of the checkpoint and of the arena that folded weights were put in.
 *
 * @param convs   convolutions, first to last
 * @param linears linear layers, first to last
 */
public record NamedLayers(Map<String, ConvWeights.Source> convs, Map<String, LinearWeights.Source> linears) {
    /** Empty, to be filled. */
    public NamedLayers() {
        this(new LinkedHashMap<>(), new LinkedHashMap<>());
    }
}
