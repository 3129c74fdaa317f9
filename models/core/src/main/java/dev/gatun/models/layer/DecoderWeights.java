package dev.gatun.models.layer;

import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import java.util.List;

/**
 * The parameters of a Transformer decoder's layers by their role.
 *
 * @param layers    first to last
 * @param finalNorm after the last layer, or null
 */
public record DecoderWeights(List<Layer> layers, LayerNorm finalNorm) {
    /** Copies the list. */
    public DecoderWeights {
        layers = List.copyOf(layers);
    }

    /**
     * One layer: attention to the target, attention to the memory, feed-forward, with the norm of each.
     *
     * @param self      the four projections of the attention to the target
     * @param selfNorm  before it, or after the sum with it
     * @param cross     the four projections of the attention to the memory: key and value are of the memory
     * @param crossNorm before it, or after the sum with it
     * @param gate      [dFf, dModel] of a gated feed-forward, whose activation it has; or null
     * @param up        [dFf, dModel]
     * @param down      [dModel, dFf]
     * @param norm      before the feed-forward, or after the sum with it
     */
    public record Layer(EncoderWeights.Attention self, LayerNorm selfNorm, EncoderWeights.Attention cross, LayerNorm crossNorm,
            Linear.Part gate, Linear.Part up, Linear.Part down, LayerNorm norm) {

        /** Checks that attentions have nothing that decoding over a cache has not: a cap, a window, rotation, disentangled positions. */
        public Layer {
            for (EncoderWeights.Attention attention : List.of(self, cross)) {
                if (attention.rotary() != null || attention.positions() != null || attention.scores() != null
                        && (attention.scores().softcap() != 0 || attention.scores().window() != 0)) {
                    throw new IllegalArgumentException("a decoder's attention has scale and distances only");
                }
            }
        }

        /** A feed-forward without a gate. */
        public Layer(EncoderWeights.Attention self, LayerNorm selfNorm, EncoderWeights.Attention cross, LayerNorm crossNorm,
                Linear.Part up, Linear.Part down, LayerNorm norm) {
            this(self, selfNorm, cross, crossNorm, null, up, down, norm);
        }
    }
}
