package dev.gatun.models.layer;

import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Port;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;

/**
 * Stacks of Transformer layers (Vaswani et al. 2017) over rows [tokens, dModel]. What each layer attends to is handed in.
 *
 * @param blocks where they are added
 */
public record TransformerGraph(TransformerBlocks blocks) {

    /** The encoder's layers, all attending alike. */
    public Port encoder(List<EncoderWeights.Layer> layers, LayerNorm finalNorm, Port src, TransformerBlocks.Attend attend) {
        Port x = src;
        for (int i = 0; i < layers.size(); i++) {
            EncoderWeights.Layer layer = layers.get(i);
            String name = "encoder." + i;
            x = blocks.selfAttention(name + ".self", layer.attention(), layer.attentionNorm(), x, attend);
            x = blocks.feedForward(name + ".ffn", layer.up(), layer.down(), layer.norm(), x);
        }
        return norm("encoder.norm", finalNorm, x);
    }

    /**
     * The decoder's layers.
     *
     * @param self  of each layer: from query, key and value to what is attended of the target
     * @param cross of each layer: from the query to what is attended of the memory
     */
    public Port decoder(DecoderWeights weights, Port tgt, IntFunction<TransformerBlocks.Attend> self,
            IntFunction<UnaryOperator<Port>> cross) {
        Port x = tgt;
        for (int i = 0; i < weights.layers().size(); i++) {
            DecoderWeights.Layer layer = weights.layers().get(i);
            String name = "decoder." + i;
            x = blocks.selfAttention(name + ".self", layer.self(), layer.selfNorm(), x, self.apply(i));
            x = blocks.crossAttention(name + ".cross", layer.cross(), layer.crossNorm(), x, cross.apply(i));
            x = blocks.feedForward(name + ".ffn", layer.gate(), layer.up(), layer.down(), layer.norm(), x);
        }
        return norm("decoder.norm", weights.finalNorm(), x);
    }

    private Port norm(String name, LayerNorm norm, Port x) {
        return norm == null ? x : blocks.graph().add(name, norm, x);
    }
}
