package dev.gatun.models.layer;

import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Weight;
import java.util.List;

/**
 * The parameters of a Transformer encoder by their role; a family finds them by their names.
 *
 * @param words      [vocabSize, embeddingSize]
 * @param positions  how a token's place is known
 * @param types      [typeCount, embeddingSize], or null
 * @param norm       of the embeddings, or null
 * @param projection from the embeddings' size to the layers', or null
 * @param layers     first to last; a layer that is shared stands several times
 * @param finalNorm  after the last layer, or null
 */
public record EncoderWeights(Weight words, Positions positions, Weight types, LayerNorm norm, Linear.Part projection, List<Layer> layers,
        LayerNorm finalNorm) {
    /** Copies the list. */
    public EncoderWeights {
        layers = List.copyOf(layers);
    }

    /**
     * One layer: attention and feed-forward, with the norm of each.
     *
     * @param attention     the four projections
     * @param attentionNorm before the attention, or after the sum with it
     * @param up            [dFf, dModel]
     * @param down          [dModel, dFf]
     * @param norm          before the feed-forward, or after the sum with it
     */
    public record Layer(Attention attention, LayerNorm attentionNorm, Linear.Part up, Linear.Part down, LayerNorm norm) {
    }

    /** The projections of an attention. */
    public record Attention(Linear.Part query, Linear.Part key, Linear.Part value, Linear.Part output) {
    }
}
