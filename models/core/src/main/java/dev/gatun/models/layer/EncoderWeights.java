package dev.gatun.models.layer;

import dev.gatun.tensor.graph.Disentangled;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Rotary;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.AttentionOp;
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
 * @param wordScale  factor of the word's row
 */
public record EncoderWeights(Weight words, Positions positions, Weight types, LayerNorm norm, Linear.Part projection, List<Layer> layers,
        LayerNorm finalNorm, float wordScale) {
    /** Words as they are. */
    public EncoderWeights(Weight words, Positions positions, Weight types, LayerNorm norm, Linear.Part projection, List<Layer> layers,
            LayerNorm finalNorm) {
        this(words, positions, types, norm, projection, layers, finalNorm, 1f);
    }

    /** Copies the list. */
    public EncoderWeights {
        layers = List.copyOf(layers);
    }

    /**
     * One layer: attention and feed-forward, with the norm of each.
     *
     * @param attention     the four projections, and how queries meet keys
     * @param attentionNorm before the attention, or after the sum with it; null for none
     * @param gate          [dFf, dModel] of a gated feed-forward, whose activation it has; or null
     * @param up            [dFf, dModel]
     * @param down          [dModel, dFf]
     * @param norm          before the feed-forward, or after the sum with it
     */
    public record Layer(Attention attention, LayerNorm attentionNorm, Linear.Part gate, Linear.Part up, Linear.Part down, LayerNorm norm) {
        /** A feed-forward without a gate. */
        public Layer(Attention attention, LayerNorm attentionNorm, Linear.Part up, Linear.Part down, LayerNorm norm) {
            this(attention, attentionNorm, null, up, down, norm);
        }
    }

    /**
     * The projections of an attention, and how queries meet keys.
     *
     * @param scores    scale, cap and window of the products, or null for the usual scale alone
     * @param distances what is added by the distance from query to key, or null; see {@link dev.gatun.tensor.graph.Distances}
     * @param positions what queries and keys are multiplied with by that distance, or null
     * @param rotary    norms and rotation of queries and keys, or null
     */
    public record Attention(Linear.Part query, Linear.Part key, Linear.Part value, Linear.Part output, AttentionOp.Scores scores,
            Weight distances, Disentangled positions, Rotary rotary) {
        /** Products with the usual scale. */
        public Attention(Linear.Part query, Linear.Part key, Linear.Part value, Linear.Part output) {
            this(query, key, value, output, null, null, null, null);
        }
    }
}
